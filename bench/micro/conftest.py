"""Options of `pytest bench/micro`, and the measurements that its cases report."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bench.micro import xnnpack_layer
from bench.micro.case import CALL, Case, read_cases
from bench.micro.engines import ENGINES, LayerEngine
from bench.micro.measure import Measured, measure
from mobilekernels.engines.base import EngineAbsent

YARDSTICK = Path(__file__).parents[1] / "layers" / "yardstick.txt"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("layers")
    group.addoption(
        "--layers", type=Path, default=YARDSTICK, help="a layer list (bench/layers/yardstick.txt)"
    )
    group.addoption("--layer-rounds", type=int, default=50, help="timed rounds of each layer (50)")
    group.addoption("--layer-threads", type=int, default=1, help="threads of every engine (1)")
    names = ", ".join(engine.name for engine in ENGINES)
    group.addoption("--layer-engines", help=f"with commas between: {names} (all)")
    group.addoption("--first", type=int, help="only so many layers, spread over the list")


def _text(config: pytest.Config) -> str:
    path: Path = config.getoption("--layers")
    if not path.is_file():
        raise pytest.UsageError(f"--layers: given {path}, which is no file")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if read_cases(line)]
    count = config.getoption("--first") or len(lines)
    chosen = [lines[index * len(lines) // count] for index in range(min(count, len(lines)))]
    return "\n".join([CALL, *chosen])


def _engines(config: pytest.Config) -> list[LayerEngine]:
    known = [engine.name for engine in ENGINES]
    names = (config.getoption("--layer-engines") or ",".join(known)).split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise pytest.UsageError(f"--layer-engines: given {unknown[0]}; accepted are {', '.join(known)}")
    return [engine for engine in ENGINES if engine.name in names]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = read_cases(_text(metafunc.config))
    metafunc.parametrize("case", cases, ids=[case.name for case in cases])
    engines = _engines(metafunc.config)
    metafunc.parametrize("engine", engines, ids=[engine.name for engine in engines])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A layer's engines one after another: they were measured in one go."""
    order = {id(item): index for index, item in enumerate(items)}
    items.sort(key=lambda item: (str(item.callspec.params["case"]), order[id(item)]))  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> Callable[[Case], dict[str, Measured]]:
    """A case's figures on all engines, measured interleaved when the first of its tests asks."""
    engines = _engines(pytestconfig)
    try:
        if "xnnpack" in [engine.name for engine in engines]:
            xnnpack_layer.lower(_text(pytestconfig))
    except EngineAbsent as reason:
        print(reason)  # each case of the engine says that it has no program
    rounds, threads = (pytestconfig.getoption(f"--layer-{name}") for name in ("rounds", "threads"))
    return cache(lambda case: measure(case, engines, rounds, threads))

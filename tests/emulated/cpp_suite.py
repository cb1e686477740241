"""The C++ programs on an emulated core: the tests, and dispatch under each cap on the ISA."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.emulated.cores import Core, qemu
from tests.emulated.result import Result

LAYERS = Path(__file__).with_name("layers.txt")
Suite = Callable[[], Result]


def layer_results(core: Core, cap: str | None = None, layers: Path = LAYERS) -> dict[str, str] | str:
    """Layer -> checksum of what mk_bench computed for a list, or the message of what went wrong."""
    done = core.run(core.runner, layers, "--check", "--json", "-", cap=cap, files=[layers])
    if done.code != 0:
        return done.output
    return {layer["name"]: layer["checksum"] for layer in json.loads(done.output)["layers"]}


def native_results() -> dict[str, str]:
    """The checksums that this machine's kernels give."""
    native = Core("this machine", "native", qemu(), ("scalar",), "scalar")
    results = layer_results(native)
    if isinstance(results, str):
        raise RuntimeError(f"mk_bench on this machine: {results}")
    return results


def run_test(core: Core, program: Path) -> Result:
    """One test program. It says which ISAs it tested: they must be those of the core."""
    begin = time.monotonic()
    result = Result(core.name, "C++")
    done = core.run(program)
    on = ", ".join(core.tested)
    result.check(done.code == 0, f"{program.name}: {done.output}")
    result.check(done.output.endswith(f" on {on}"), f"{program.name}: not on {on}: {done.output[-200:]}")
    result.seconds = time.monotonic() - begin
    return result


def run_dispatch(core: Core, expected: Mapping[str, str]) -> Result:
    """What dispatch chooses under each cap, and the bytes of LAYERS. `expected`: see native_results."""
    begin = time.monotonic()
    result = Result(core.name, "C++")
    for cap in (None, *core.isas):
        done = core.run(core.programs / "print_kernels", cap=cap)
        chosen = dict(line.split() for line in done.output.splitlines()) if done.code == 0 else done.output
        result.check(
            chosen == core.expected(cap), f"choice under cap {cap}: {chosen}, not {core.expected(cap)}"
        )
        result.add(check_layers(core, cap, LAYERS, expected))
    result.seconds = time.monotonic() - begin
    return result


def check_layers(core: Core, cap: str | None, layers: Path, expected: Mapping[str, str]) -> Result:
    """One check: the checksums of the list."""
    result = Result(core.name, "C++")
    found = layer_results(core, cap, layers)
    if isinstance(found, str):
        result.failures.append(f"{layers.name} under cap {cap}: {found}")
    else:
        others = [name for name in expected if found.get(name) != expected[name]]
        result.check(not others, f"{layers.name} under cap {cap}: other bytes than expected: {others}")
    return result


def suites(core: Core, expected: Mapping[str, str], only: str = "") -> list[Suite]:
    """All there is to run on the core, each to be run alone; `only`: test programs with this in their names.

    Raises RuntimeError where there is none.
    """
    programs = [program for program in sorted(core.programs.glob("*_test")) if only in program.name]
    if not programs:
        raise RuntimeError(
            f"no test programs with '{only}' in their names in {core.programs}: are they built?"
        )
    tests: list[Suite] = [partial(run_test, core, program) for program in programs]
    return tests if only else [*tests, partial(run_dispatch, core, expected)]


def run(core: Core, expected: Mapping[str, str]) -> Result:
    """All of them, one after the other."""
    result = Result(core.name, "C++")
    for suite in suites(core, expected):
        result.add(suite())
    return result

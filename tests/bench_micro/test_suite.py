"""`pytest bench/micro` and `python -m bench`: a tiny run, its JSON, tables, plots and index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is not installed (requirements/bench.txt)")

from bench.index import write_index
from bench.micro import report
from mobilekernels.bench.roofs import Roofs

ROOT = Path(__file__).parents[2]
LAYERS = Path(__file__).with_name("layers.txt")
ROOFS = Roofs("dot", 200.0, 20.0)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    suite = [sys.executable, "-m", "pytest", "bench/micro", "-q", "-p", "no:cacheprovider"]
    command = [*suite, *map(str, arguments)]
    # It is one process, even where this one is one of several: pytest-benchmark would measure nothing there.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("micro") / "micro.json"
    options = ("--layers", LAYERS, "--layer-rounds", 3, "--layer-engines", "mobilekernels,torch-float")
    done = run(*options, f"--benchmark-json={path}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "benchmark 'pointwise': 2 tests" in done.stdout
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_the_json_is_pytest_benchmarks_own(result: dict[str, Any]) -> None:
    assert len(result["benchmarks"]) == 5 * 2
    each = result["benchmarks"][0]
    assert each["stats"]["rounds"] == 3
    assert each["extra_info"]["macs"] > 0
    assert each["extra_info"]["gmacs"] == pytest.approx(
        each["extra_info"]["macs"] / each["stats"]["median"] / 1e9
    )


def test_the_figures_are_those_of_the_rounds(result: dict[str, Any], tmp_path: Path) -> None:
    layers = report.read(result)
    assert layers[0].name == "call"
    dense = next(layer for layer in layers if layer.name == "dense")
    assert dense.best_peer == "torch-float"
    assert dense.ratio == pytest.approx(dense.seconds["mobilekernels"] / dense.seconds["torch-float"])
    rate = dense.gmacs("mobilekernels")
    assert rate is not None
    row = next(row for row in report.table(layers, ROOFS) if row[0] == "dense")
    assert row[3:5] == [f"{rate:.0f}", f"{100 * rate / 200:.0f}"]
    assert report.wrong(layers) == []
    paths = report.write(result, ROOFS, ["CPU: here"], tmp_path)
    text = paths[0].read_text()
    assert "- CPU: here\n- Peak of one thread: 200 GMAC/s in registers (dot), 20 GB/s" in text
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert [path.name for path in paths] == ["micro.md", "micro.png", "roofline.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[1:])


def test_results_that_are_wrong_are_named() -> None:
    layer = report.LayerFigures("dw", 1, 1, {"fbgemm": 1.0}, {"fbgemm": 0.8}, None)
    assert report.wrong([layer]) == ["fbgemm on dw: 80% of the codes are within one of the exact ones"]
    assert layer.ratio is None


def test_index_names_the_machine_and_the_noise(result: dict[str, Any], tmp_path: Path) -> None:
    machine = {"cpu": "A CPU", "cpus": 2, "load": 0.1, "versions": {}, "commit": "", "date": "now"}
    networks = [{"noise": 0.2, "ours_over_best_peer": 0.5}, {"noise": None, "ours_over_best_peer": None}]
    run = {"machine": machine, "threads": 1, "networks": networks}
    (tmp_path / "e2e.json").write_text(json.dumps(run))
    (tmp_path / "micro.json").write_text(json.dumps(result))
    text = write_index(tmp_path).read_text()
    assert "- CPU: A CPU, 2 usable; load before: 0.1" in text
    assert "Noise of networks: 20.0%, at most 20.0%: TOO NOISY" in text
    assert "Our time over the best peer's: 0.50 (geometric mean)." in text
    assert "![roofline](roofline.png)" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layers", "nowhere.txt"), "--layers: given nowhere.txt, which is no file"),
        (("--layer-engines", "tpu"), "--layer-engines: given tpu; accepted are mobilekernels"),
    ],
)
def test_mistakes_are_named(options: tuple[str, ...], message: str) -> None:
    done = run(*options)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr

"""The suite of whole networks: a tiny run's report, and the figures in it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("torchao", reason="torchao is not installed (pip install mobilekernels[bench])")

from bench.e2e import __main__ as command
from bench.e2e.networks import NETWORKS, QUICK_NETWORKS, settle
from mobilekernels.bench.network import NetworkResult
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.comparison import Comparison, EngineResult

TINY = "tests.bench_e2e.tiny:network"
CAN_PIN = hasattr(os, "sched_setaffinity") and Path("/proc/self/task").exists()


def result(name: str, median: float | None, quartiles: tuple[float, float] | None = None) -> EngineResult:
    ratio = None if median is None else median / 2.0
    return EngineResult(name, name, "int8", median_ms=median, quartiles_ms=quartiles, ratio=ratio)


def network_result(*results: EngineResult) -> NetworkResult:
    return NetworkResult("net", Comparison(results, 1, 1, 1, 5, ((1, 3, 8, 8),)), None, 0)


def test_report_of_a_tiny_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = f"--networks {TINY} --engines mobilekernels torch-float --rounds 3 --size 32 --output"
    before = os.sched_getaffinity(0) if CAN_PIN else None
    assert command.main([*arguments.split(), str(tmp_path)]) == 0
    if CAN_PIN:
        assert os.sched_getaffinity(0) == before
    found = json.loads((tmp_path / "e2e.json").read_text())
    assert found["format"] == "mobilekernels-e2e-2"
    assert (found["threads"], found["rounds"]) == (1, 3)
    assert found["machine"]["cpu"]
    assert found["machine"]["versions"]["torch"] == torch.__version__.partition("+")[0]
    (network,) = found["networks"]
    ours, stock = network["comparison"]["results"]
    assert [ours["name"], stock["name"]] == ["mobilekernels", "torch-float"]
    assert ours["median_ms"] > 0
    assert ours["sqnr_db"] > 20
    assert network["best_peer"] == "torch-float"
    assert network["ours_over_best_peer"] == pytest.approx(ours["median_ms"] / stock["median_ms"])
    low, high = ours["quartiles_ms"]
    assert network["noise"] == pytest.approx((high - low) / ours["median_ms"])
    assert network["stock_operators"] == 0
    text = (tmp_path / "e2e.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {TINY} |")]
    assert row.split(" | ")[1:3] == [f"{ours['median_ms']:.2f}", f"{stock['median_ms']:.2f}"]


def test_plot_is_written_where_matplotlib_is(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from mobilekernels.bench.plots import ratio_bars

    absent = EngineResult("gone", "gone", "int8", absent="not installed")
    ratio_bars([network_result(result("mobilekernels", 2.0), result("a", 3.0), absent)], tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_best_peer_ratio_and_noise() -> None:
    network = network_result(
        result("mobilekernels", 2.0, (1.9, 2.2)), result("a", 5.0), result("b", 4.0), result("c", None)
    )
    assert network.best_peer is not None
    assert network.best_peer.name == "b"
    assert network.ratio == pytest.approx(0.5)
    assert network.noise == pytest.approx(0.15)
    alone = network_result(result("a", 5.0))
    assert (alone.ours, alone.ratio, alone.noise) == (None, None, None)


def test_options_and_what_is_wrong_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert (command.parse([]).networks, command.parse([]).rounds) == (NETWORKS, 20)
    assert command.parse([]).engines == command.ENGINE_NAMES
    quick = command.parse(["--quick"])
    assert (quick.networks, quick.rounds, quick.engines) == (QUICK_NETWORKS, 5, command.QUICK_ENGINES)
    with pytest.raises(SystemExit):
        command.parse(["--engines", "tpu"])
    assert "'tpu' (choose from" in capsys.readouterr().err


def test_settling_makes_batch_norm_normal() -> None:
    norm = nn.BatchNorm2d(4)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Dropout(0.5)).eval()
    batches = [100 * torch.randn(4, 3, 16, 16) for _ in range(3)]
    settle(model, batches)
    assert not norm.training
    assert norm.momentum == 0.1
    with torch.no_grad():
        found = torch.cat([model(batch) for batch in batches])
    assert torch.allclose(found.std((0, 2, 3)), torch.ones(4), atol=0.05)


@pytest.mark.skipif(not CAN_PIN, reason="this operating system does not pin threads")
def test_every_thread_is_pinned_and_given_back() -> None:
    cpu = cpu_to_pin()
    assert cpu is not None
    before = os.sched_getaffinity(0)
    started, stop = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: (started.set(), stop.wait()))
    other.start()
    try:
        started.wait()
        assert other.native_id is not None
        with pinned(cpu):
            assert os.sched_getaffinity(0) == os.sched_getaffinity(other.native_id) == {cpu}
        assert os.sched_getaffinity(0) == os.sched_getaffinity(other.native_id) == before
    finally:
        stop.set()
        other.join()

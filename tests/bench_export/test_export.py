"""The comparison of `.pte` files: a tiny run, and what the table makes of figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torchao", reason="torchao is not installed (pip install mobilekernels[bench])")
pytest.importorskip("executorch.exir", reason="what writes .pte files")

from bench.export import __main__ as command
from bench.export import report
from bench.export.files import Files
from bench.export.measure import Result
from bench.export.runner import Call

TINY = "tests.bench_e2e.tiny:network"
CALL = Call(2.0, 3.0, 8.0, 1000, 40, 12 << 20, 6 << 20)


def result(network: str = "mobilenet_v2", latency: float = 1.0, outside: float = 0.01) -> Result:
    files = Files(network, "nowhere", 1 << 20, 0, 2)
    return Result(files, (replace(CALL, latency=latency),) * 3, (CALL,) * 3, (outside,) * 3, True, 30.0)


def test_a_tiny_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "files"
    arguments = ["--networks", TINY, "--size", "32", "--rounds", "2", "--files", str(files)]
    assert command.main([*arguments, "--only-write"]) == 0
    (ours,) = files.glob("*.mobilekernels.pte")
    written = ours.stat().st_mtime_ns
    assert command.main([*arguments, "--output", str(tmp_path)]) == 0
    assert ours.stat().st_mtime_ns == written  # taken as it was
    found = json.loads((tmp_path / "export.json").read_text())
    (network,) = found["networks"]
    assert found["format"] == "mobilekernels-export-1"
    assert network["same_bytes"]
    assert network["sqnr_db"] > 20
    assert network["files"]["not_ours"] == 0
    for side in ("ours", "xnnpack"):
        assert len(network[side]) == 2
        for call in network[side]:
            assert 0 < call["load"] < call["ready"]
            assert call["latency"] > 0
            assert 0 < call["own_bytes"] < call["peak_bytes"]
    assert network["ours"][0]["file_bytes"] == ours.stat().st_size
    assert all(0 < share < 1 for share in network["outside"])
    assert (tmp_path / "export.md").read_text().strip() == capsys.readouterr().out.strip()


def test_only_writing_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["--only-write"])
    assert "--only-write: given without --files" in capsys.readouterr().err


def verdicts(which: Result) -> dict[str, str]:
    return {row[1]: row[-1] for row in report.table([which])[1:]}


def test_figures_are_held_against_their_goals() -> None:
    assert verdicts(result())["latency"] == "met"
    assert verdicts(result(latency=1.4))["latency"] == "missed"  # 0.70 of XNNPACK's
    assert verdicts(result("resnet50", latency=1.7))["latency"] == "met"  # 0.85
    assert verdicts(result("resnet50", latency=1.9))["latency"] == "missed"
    assert (
        verdicts(result())["file"] == verdicts(result())["load"] == verdicts(result())["peak memory"] == "met"
    )
    assert verdicts(result())["planned"] == ""  # no goal
    assert verdicts(result())["outside of our kernels"] == "met"
    assert verdicts(result(outside=0.04))["outside of our kernels"] == "missed"


def test_ratios_are_of_rounds() -> None:
    calls = [replace(CALL, latency=latency) for latency in (1.0, 2.0, 30.0)]
    peers = [replace(CALL, latency=latency) for latency in (2.0, 4.0, 6.0)]
    found = replace(result(), ours=tuple(calls), xnnpack=tuple(peers))
    assert found.median(lambda call: call.latency) == (2.0, 4.0)
    assert found.ratio(lambda call: call.latency) == 0.5


def test_other_bytes_are_told() -> None:
    assert "gives the bytes of the converted model" in report.notes([result()])[0]
    assert "OTHER BYTES" in report.notes([replace(result(), same_bytes=False)])[0]

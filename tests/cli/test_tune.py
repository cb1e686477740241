"""`tune`, and the options of other commands that use what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mobilekernels as mk
from mobilekernels.cli import tune as command
from mobilekernels.cli.main import main
from mobilekernels.sparsity.curve_file import read_curves, write_curves
from mobilekernels.sparsity.curves import Curves
from tests.sparsity.samples import curves

ISA = next(k.isa for k in mk.kernels() if k.family == "gemm" and k.chosen)
NETS = """
import torch
from torch import nn
import mobilekernels as mk

def pruned():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Conv2d(32, 8, 1))
    return mk.prune(net, 0.75), torch.randn(1, 3, 16, 16)
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves at once: the measuring has tests of its own."""

    def tune(isas: list[str] | None, rounds: int, float32: bool) -> Curves:
        found = curves(*(isas or [ISA]))
        return Curves((), found.origin, found.curves) if float32 else found

    monkeypatch.setattr(command, "tune", tune)


@pytest.mark.usefixtures("quick")
def test_the_table_and_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "folder" / "mine.json"
    assert main(["tune", "-o", str(path)]) == 0
    shown = capsys.readouterr().out
    assert read_curves(path).curves == curves(ISA).curves
    assert f"to use it: MOBILEKERNELS_CURVES={path}" in shown
    row = next(line.split() for line in shown.splitlines() if "pointwise" in line and "4x4" in line)
    # 1 / (0.05 + 1.1 * 0.2) at 80 % zeros; 1 - 0.95 / 1.1 to break even.
    assert row[-5:] == ["1.67x", "2.63x", "3.70x", "6.25x", "14%"]


@pytest.mark.usefixtures("quick")
def test_other_instruction_sets_stay_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_curves(curves("neon", "avx2"), tmp_path / "mine.json")
    assert main(["tune", "-o", str(path), "--isa", "avx2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["curves"]) == len(curves("avx2").curves)
    assert read_curves(path).isas() == ("neon", "avx2")


@pytest.mark.usefixtures("quick")
def test_curves_of_float32_do_not_touch_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_curves(curves("neon"), tmp_path / "mine.json")
    assert main(["tune", "-o", str(path), "--float32"]) == 0
    assert "speed-up over PyTorch's float32" in capsys.readouterr().out
    found = read_curves(path)
    assert found.curves == curves("neon").curves
    assert found.float32 == curves(ISA).curves


@pytest.mark.usefixtures("quick")
def test_a_broken_file_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text("{}")
    assert main(["tune", "-o", str(path)]) == 1
    assert "FormatError: --output: " in capsys.readouterr().err
    assert path.read_text() == "{}"


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["inspect", "nets:pruned", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_commands_take_the_curves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    path = str(write_curves(curves("neon"), tmp_path / "mine.json"))

    def blocks(*arguments: str) -> list[str]:
        return [layer["block"] for layer in inspect(capsys, *arguments)["layers"] if layer["op"] == "conv2d"]

    assert blocks("--curves", path, "--target", "neon") == ["", "4x4", ""]
    assert blocks("--curves", path, "--target", "scalar") == ["", "", ""]
    assert blocks("--sparse", "never") == ["", "", ""]
    assert blocks("--sparse", "1x4") == ["1x4", "1x4", "1x4"]
    monkeypatch.setenv("MOBILEKERNELS_CURVES", path)
    assert blocks("--target", "neon") == ["", "4x4", ""]
    assert main(["inspect", "nets:pruned", "--curves", str(tmp_path / "none.json")]) == 1
    assert "none.json: cannot be read" in capsys.readouterr().err


def test_bad_modes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["inspect", "nets:pruned", "--sparse", "8x8"])
    assert "given '8x8'; accepted are auto, never, always, 4x4, 1x4" in capsys.readouterr().err

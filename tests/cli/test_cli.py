"""The command line, run as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.cli.main import main
from mobilekernels.dynamic_batch import export_dynamic

NETS = """
import torch
from torch import nn

def good():
    torch.manual_seed(0)
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(8, 4))

def with_inputs():
    return good(), torch.randn(1, 3, 12, 12)

def partly():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Softmax(1), nn.Conv2d(8, 4, 1)), torch.randn(1, 3, 8, 8)

def pruned():
    torch.manual_seed(0)
    wide = nn.Conv2d(16, 32, 3)
    with torch.no_grad():
        wide.weight[:, 4:] = 0
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), wide, pool, nn.Flatten()), torch.randn(1, 3, 12, 12)

def broken():
    raise RuntimeError("no weights today")

def number():
    return 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli")
    (path / "nets.py").write_text(NETS)
    images = path / "arrays"
    images.mkdir()
    generator = np.random.default_rng(0)
    for index in range(3):
        np.save(images / f"{index}.npy", generator.normal(size=(3, 12, 12)).astype(np.float32))
    return path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mobilekernels", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_says_exit_codes_and_commands(folder: Path) -> None:
    result = run(folder, "--help")
    assert result.returncode == 0
    for word in ("demo", "convert", "export", "compare", "inspect", "kernels", "exit codes", "--strict"):
        assert word in result.stdout


def test_kernels_as_table_and_json(folder: Path) -> None:
    table = run(folder, "kernels")
    assert table.returncode == 0
    assert "gemm" in table.stdout
    found = json.loads(run(folder, "kernels", "--json").stdout)
    scalar = next(kernel for kernel in found if kernel["family"] == "gemm" and kernel["isa"] == "scalar")
    assert scalar["built"]
    assert scalar["runnable"]
    assert sum(kernel["chosen"] for kernel in found if kernel["family"] == "gemm") == 1


def test_convert_on_a_folder_of_arrays(folder: Path) -> None:
    arguments = ("nets:with_inputs", "-o", "good.pt2", "--calibration", "arrays", "--html", "good.html")
    result = run(folder, "convert", *arguments, "--json", "--strict")
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    assert told["batch"] == "dynamic"
    assert told["random_calibration"] is False
    assert told["report"]["mac_coverage"] == 1.0
    assert "RANDOM" not in result.stderr
    assert (folder / "good.html").read_text().startswith("<!doctype html>")
    import mobilekernels  # noqa: F401  (the file's operators)

    module = torch.export.load(str(folder / "good.pt2")).module()
    assert module(torch.randn(5, 3, 12, 12)).shape == (5, 4)
    inspected = run(folder, "inspect", "good.pt2", "--json")
    assert inspected.returncode == 0, inspected.stderr
    assert json.loads(inspected.stdout)["operators"]["ours"]["conv2d"] == 1


def test_convert_takes_a_saved_quantized_program(folder: Path) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed (pip install mobilekernels[quantize])")
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    inputs = torch.randn(2, 3, 12, 12)
    quantized = mk.quantize(network, [inputs], progress=False)
    torch.export.save(export_dynamic(quantized, (inputs,)), folder / "quantized.pt2")
    # In a process that has not imported what registers PT2E's operators.
    result = run(folder, "convert", "quantized.pt2", "-o", "from_file.pt2", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["report"]["mac_coverage"] == 1.0
    module = torch.export.load(str(folder / "from_file.pt2")).module()
    assert torch.equal(module(inputs), mk.convert(quantized, inputs)[0](inputs))


def test_convert_on_random_data_warns_loudly(folder: Path) -> None:
    result = run(folder, "convert", "nets:good", "-o", "random.pt2", "--input-shape", "1,3,12,12")
    assert result.returncode == 0, result.stderr
    assert "!! CALIBRATED ON RANDOM DATA" in result.stderr
    assert "saved: random.pt2 (dynamic batch)" in result.stdout


def test_export_and_inspect(folder: Path) -> None:
    arguments = ("nets:with_inputs", "--calibration", "arrays", "--strict")
    result = run(folder, "export", *arguments, "-o", "net.pt2", "--target", "arm64", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["target"] == "arm64"
    assert told["operators"] == {"ours": told["operators"]["ours"]}
    assert told["stock"] == []
    again = run(folder, "export", "net.pt2", "-o", "net.ptl")
    assert again.returncode == 0, again.stderr
    assert "PyTorch has deprecated the lite interpreter" in again.stderr
    assert "1  conv2d" in again.stdout
    inspected = run(folder, "inspect", "net.ptl")
    assert inspected.returncode == 0, inspected.stderr
    assert inspected.stdout.splitlines()[1:] == again.stdout.splitlines()[2:-1]


def test_export_skips_zeros_where_it_is_told_to(folder: Path) -> None:
    packed = {}
    for sparse in ("never", "4x4"):
        result = run(folder, "export", "nets:pruned", "-o", "pruned.pt2", "--sparse", sparse, "--json")
        assert result.returncode == 0, result.stderr
        packed[sparse] = json.loads(result.stdout)["packed_bytes"]
    assert packed["4x4"] < 0.7 * packed["never"]
    result = run(folder, "export", "pruned.pt2", "-o", "again.pt2", "--sparse", "never")
    assert result.returncode == 2
    assert (
        "--sparse, --curves: given with pruned.pt2, accepted with a model that is converted here"
        in result.stderr
    )


def test_export_tells_what_stays_on_stock_operators(folder: Path) -> None:
    result = run(folder, "export", "nets:partly", "-o", "partly.pt2", "--strict")
    assert result.returncode == 3, result.stderr
    assert "softmax" in result.stdout
    assert "not ours, " in result.stdout


def test_strict_tells_what_stays_on_stock_operators(folder: Path) -> None:
    assert run(folder, "inspect", "nets:partly").returncode == 0
    result = run(folder, "inspect", "nets:partly", "--strict")
    assert result.returncode == 3
    assert "softmax" in result.stdout


def test_compare_prints_every_engine(folder: Path) -> None:
    arguments = ("nets:with_inputs", "--engines", "mobilekernels,torch-float,onednn", "--rounds", "2")
    result = run(folder, "compare", *arguments, "--calibration", "arrays", "--data", "arrays", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert [row["name"] for row in told["results"]] == ["mobilekernels", "torch-float", "onednn"]
    assert told["samples"] == 3
    assert all(row["median_ms"] > 0 for row in told["results"])
    table = run(folder, "compare", *arguments)
    assert table.returncode == 0
    assert "PyTorch oneDNN int8" in table.stdout


WRONG = {
    "nothing": ((), 2, "the following arguments are required"),
    "command": (("bake",), 2, "invalid choice"),
    "option": (("kernels", "--fast"), 2, "unrecognized arguments"),
    "form": (("inspect", "resnet"), 2, "usage error: model: given 'resnet'; accepted are torchvision:NAME"),
    "no file": (("inspect", "lost.pt2"), 2, "which is no file"),
    "no network": (("inspect", "torchvision:resnet1"), 2, "torchvision.models has alexnet"),
    "no module": (("inspect", "nowhere:build"), 2, "cannot be found"),
    "no function": (("inspect", "nets:lost"), 2, "cannot be found"),
    "no model": (("inspect", "nets:number"), 2, "gave a int"),
    "no inputs": (("inspect", "nets:good"), 2, "brings no example inputs: give --input-shape"),
    "shape": (("inspect", "nets:good", "--input-shape", "1,3,a"), 2, "accepted are positive sizes"),
    "engine": (("compare", "nets:with_inputs", "--engines", "tpu"), 2, "given tpu; accepted are all"),
    "empty": (("convert", "nets:with_inputs", "--calibration", "."), 2, "accepted is (3, 12, 12)"),
    "no such file": (("inspect", "lost.pte"), 2, "model: given 'lost.pte', which is no file"),
    "damaged": (("inspect", "broken.pte"), 1, "error: FormatError: broken.pte: trailer: given magic"),
    "suffix": (("export", "nets:with_inputs", "-o", "net.onnx"), 1, "path: given suffix '.onnx'"),
    "fails": (("inspect", "nets:broken"), 1, "error: RuntimeError: no weights today"),
    "skip": (("convert", "nets:with_inputs", "--skip", "tail"), 1, "skip: ['tail'] match no module"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_told(
    folder: Path, case: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, as starting one takes longest; that `main`'s code is its exit code is tested above."""
    arguments, code, message = WRONG[case]
    (folder / "broken.pte").write_bytes(b"broken" * 100)
    np.save(folder / "stray.npy", np.zeros((2, 2), np.float32))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)  # where `python -m` looks, too
    try:
        returned: object = main(arguments)
    except SystemExit as end:  # argparse's
        returned = end.code
    told = capfd.readouterr()
    assert returned == code, told.err
    assert message in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_traceback_on_request(folder: Path) -> None:
    result = run(folder, "inspect", "nets:broken", "--traceback")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_engines_that_can_be_named() -> None:
    """The list is written out, so that --help does without torch."""
    from mobilekernels import engines
    from mobilekernels.cli import options

    assert [engine.name for engine in engines.ENGINES] == list(options.ENGINES)
    assert [engine.name for engine in engines.PEERS] == list(options.PEERS)

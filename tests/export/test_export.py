"""`mk.export`: files give the model's bytes where PyTorch runs them, and the report says what is in them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.export import ptl
from mobilekernels.export.inspect import read
from tests.export.networks import Partly, Residual, converted
from tests.same_bytes import assert_same_bytes


@pytest.fixture(scope="module")
def residual() -> tuple[Any, torch.Tensor]:
    torch.manual_seed(0)
    return converted(Residual(), 1, 3, 32, 32)


@pytest.fixture(scope="module")
def partly() -> tuple[Any, torch.Tensor]:
    torch.manual_seed(0)
    return converted(Partly(), 1, 3, 16, 16)


def export_quietly(*arguments: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mk.export(*arguments, **options)


def assert_equal(got: torch.Tensor, expected: torch.Tensor) -> None:
    assert_same_bytes(got.numpy(), expected.numpy())


def test_pt2_is_any_batch_and_the_same_bytes(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    model, x = residual
    report = mk.export(model, x, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    for batch in (x, torch.randn(5, 3, 32, 32)):
        assert_equal(loaded(batch), model(batch))
    assert report.contents.batch == "dynamic"
    assert report.not_ours == ()
    assert report.contents.counts()["ours"]["conv2d_add"] == 1


def test_ptl_warns_and_is_the_same_bytes(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    model, x = residual
    with pytest.warns(
        DeprecationWarning, match="PyTorch has deprecated the lite interpreter.*export to .pte"
    ):
        report = mk.export(model, x, tmp_path / "model.ptl")
    loaded = ptl.load(tmp_path / "model.ptl")
    for batch in (x, torch.randn(5, 3, 32, 32)):
        assert_equal(loaded(batch), model(batch))
    assert report.contents.batch == "dynamic"


def test_aot_inductor_is_the_same_bytes(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    model, x = residual
    report = export_quietly(model, x, tmp_path / "model.pt2", aot_inductor=True)
    loaded = torch._inductor.aoti_load_package(str(tmp_path / "model.pt2"))
    for batch in (x, torch.randn(5, 3, 32, 32)):
        assert_equal(loaded(batch), model(batch))
    assert report.contents.kind == ".pt2 (AOTInductor)"
    buffers = dict(model.graph_module.named_buffers())
    assert report.contents.packed_bytes == sum(t.numel() for t in buffers.values())
    assert report.contents.counts()["ours"]["conv2d_add"] == 1


@pytest.mark.parametrize("suffix", [".pt2", ".ptl"])
def test_partly_ours(partly: tuple[Any, torch.Tensor], tmp_path: Path, suffix: str) -> None:
    model, x = partly
    report = export_quietly(model, x, tmp_path / f"model{suffix}")
    load = ptl.load if suffix == ".ptl" else lambda path: torch.export.load(path).module()
    loaded = load(tmp_path / f"model{suffix}")
    for batch in (x, torch.randn(3, 3, 16, 16)):
        for got, expected in zip(loaded(batch), model(batch), strict=True):
            assert_equal(got, expected)
    assert {op.op for op in report.not_ours} >= {"aten::softmax", "aten::cumsum"}


def test_pte_tells_who_computes_what(partly: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    pytest.importorskip("executorch.exir", reason="what writes .pte files")
    model, x = partly
    report = mk.export(model, x, tmp_path / "model.pte")
    counts = report.contents.counts()
    assert counts["ours"]["conv2d"] >= 1
    assert "aten::_softmax" in counts["xnnpack"]
    assert "aten::cumsum" in counts["portable"]
    assert "aten::cumsum x1 (aten_cumsum_default): portable, XNNPACK has no such operator" in str(report)
    assert "xnnpack" not in mk.export(model, x, tmp_path / "p.pte", rest="portable").contents.counts()
    assert read(tmp_path / "model.pte").counts()["xnnpack"] == {"delegate": 1}
    assert report.contents.planned_bytes > 0


def test_a_load_time_that_cannot_be_had_is_told(
    residual: tuple[Any, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("executorch.exir", reason="what writes .pte files")

    def refuse() -> None:
        raise ImportError("no kernel library in this build")

    monkeypatch.setattr("mobilekernels.executorch.load", refuse)
    report = mk.export(*residual, tmp_path / "model.pte")
    assert report.load_ms is None
    assert "note: its load time was not measured: no kernel library in this build" in str(report)


def test_inside_a_module_and_from_a_file(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    class Halved(nn.Module):
        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.model(x) / 2

    model, x = residual
    mk.export(Halved(model), x, tmp_path / "halved.pt2")
    program = torch.export.load(tmp_path / "halved.pt2")
    assert_equal(program.module()(x), model(x) / 2)
    mk.export(program, x, tmp_path / "again.pt2")
    assert_equal(torch.export.load(tmp_path / "again.pt2").module()(x), model(x) / 2)


def test_max_batch(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    model, x = residual
    assert mk.export(model, x, tmp_path / "one.pt2", max_batch=1).contents.batch == "static"
    mk.export(model, x, tmp_path / "four.pt2", max_batch=4)
    loaded = torch.export.load(tmp_path / "four.pt2").module()
    assert loaded(torch.randn(4, 3, 32, 32)).shape == (4, 10)
    with pytest.raises(AssertionError, match="<= 4"):
        loaded(torch.randn(5, 3, 32, 32))


@pytest.mark.parametrize("suffix", [".pt2", ".ptl", ".pte"])
def test_reading_says_what_the_report_says(
    residual: tuple[Any, torch.Tensor], tmp_path: Path, suffix: str
) -> None:
    if suffix == ".pte":
        pytest.importorskip("executorch.exir", reason="what writes .pte files")
    model, x = residual
    path = tmp_path / f"model{suffix}"
    report = export_quietly(model, x, path)
    contents = read(path)
    assert contents.counts() == report.contents.counts() == {"ours": contents.counts()["ours"]}
    assert contents.file_bytes == path.stat().st_size
    buffers = dict(model.graph_module.named_buffers())
    assert contents.packed_bytes == sum(t.numel() for t in buffers.values())
    assert contents.segments == 1
    assert [path.name] == [found.name for found in tmp_path.iterdir()]
    # Nothing but ExecuTorch's files is loaded.
    assert (report.load_ms is not None and report.load_ms > 0) == (suffix == ".pte")
    assert ("loaded in" in str(report)) == (suffix == ".pte")
    for word in (path.name, "conv2d", "depthwise", "packed weights", "activations"):
        assert word in str(report)


@pytest.mark.parametrize("suffix", [".pt2", ".ptl", ".pte"])
def test_a_damaged_file_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"no file of ours" * 100)
    with pytest.raises(mk.FormatError, match=f"model{suffix}: "):
        read(path)


def test_without_executorch_the_extra_is_named(residual: tuple[Any, torch.Tensor], tmp_path: Path) -> None:
    mk.export(*residual, tmp_path / "model.pt2")
    code = """
import sys, torch
sys.modules["executorch"] = None
import mobilekernels as mk
model = torch.export.load("model.pt2")
try:
    mk.export(model, torch.randn(1, 3, 32, 32), "model.pte")
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "pip install mobilekernels[executorch]" in done.stdout, done.stderr
    assert not (tmp_path / "model.pte").exists()


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "suffix": (
        {"path": "model.onnx"},
        ValueError,
        "export: path: given suffix '.onnx', accepted one of .pte, ",
    ),
    "folder": (
        {"path": "nowhere/model.pt2"},
        ValueError,
        "export: path: given nowhere/model.pt2, in no folder",
    ),
    "float": (
        {"model": nn.Conv2d(3, 8, 3)},
        ValueError,
        "export: model: given a model that was not converted",
    ),
    "type": ({"model": "resnet"}, TypeError, "export: model: given str, accepted what"),
    "inputs": ({"example_inputs": 3}, TypeError, "export: example_inputs: given int, accepted a tensor or"),
    "shape": (
        {"example_inputs": torch.ones(1, 4, 8, 8)},
        ValueError,
        "export: example_inputs: the model does not run",
    ),
    "batch": ({"max_batch": 0}, ValueError, "export: max_batch: given 0, accepted numbers from 1 on"),
    "batch type": ({"max_batch": "8"}, TypeError, "export: max_batch: given str, accepted int or None"),
    "batch size": (
        {"max_batch": 2, "example_inputs": torch.ones(3, 3, 32, 32)},
        ValueError,
        "export: max_batch: given 2, accepted at least the example's batch of 3",
    ),
    "rest": (
        {"rest": "coreml"},
        ValueError,
        "export: rest: given 'coreml', accepted one of xnnpack, portable",
    ),
    "target": (
        {"target": "riscv"},
        ValueError,
        "export: target: given 'riscv', accepted one of any, arm64, x86_64",
    ),
    "aot": (
        {"path": "model.ptl", "aot_inductor": True},
        ValueError,
        "export: aot_inductor: given True for a .ptl",
    ),
    "aot target": (
        {"aot_inductor": True, "target": "arm64"},
        ValueError,
        "export: target: given 'arm64', accepted 'x86_64' with aot_inductor",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_arguments(
    residual: tuple[Any, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    changed, error, message = WRONG[case]
    model, x = residual
    arguments = {"model": model, "example_inputs": x, "path": "model.pt2", **changed}
    with pytest.raises(error) as raised:
        mk.export(**arguments)
    assert str(raised.value).startswith(message)
    assert list(tmp_path.iterdir()) == []

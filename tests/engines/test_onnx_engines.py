"""ONNX Runtime and OpenVINO on a small network: right answers, or a reason why not."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.engines import ENGINES, PEERS, Engine, EngineAbsent, Subject, onnxruntime, openvino, select
from mobilekernels.engines.onnx_int8 import Recipe, quantized_onnx
from tests.peers import need

NEEDS = {
    "onnxruntime-int8": ("onnxruntime", "onnx", "onnxscript"),
    "openvino-int8": ("openvino", "onnxruntime", "onnx", "onnxscript"),
}
# Unsigned by signed bytes: without VNNI vpmaddubsw adds two products in int16, which overflows (as ONNX
# Runtime's own documentation warns; tests/bench_micro shows that it is this). OpenVINO's do not here.
SATURATING = set() if mk.cpu_features()["avx512vnni"] else {"onnxruntime-int8"}
ONNX = [engine for engine in PEERS if engine.name in NEEDS]
PEER = pytest.mark.parametrize("engine", ONNX, ids=[engine.name for engine in ONNX])


@pytest.fixture(scope="module")
def subject() -> Subject:
    torch.manual_seed(4)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU6(),
        nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    ).eval()  # fmt: skip
    # Images of many colours, or the mean over their pixels leaves answers that hardly differ.
    calibration = tuple((torch.randn(2, 3, 16, 16) + 2 * torch.randn(2, 3, 1, 1),) for _ in range(8))
    return Subject(model, calibration[0], calibration)


@pytest.fixture(scope="module")
def int8_files(subject: Subject) -> dict[Recipe, bytes]:
    need(*NEEDS["onnxruntime-int8"])
    return {module.RECIPE: quantized_onnx(subject, module.RECIPE) for module in (onnxruntime, openvino)}


@pytest.fixture
def quantized_once(int8_files: dict[Recipe, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a file is what takes time."""
    for module in (onnxruntime, openvino):
        monkeypatch.setattr(module, "quantized_onnx", lambda subject, recipe, runtimes=(): int8_files[recipe])


@PEER
@pytest.mark.usefixtures("quantized_once")
def test_engine_gives_the_float_models_answers(engine: Engine, subject: Subject) -> None:
    need(*NEEDS[engine.name])
    prepared = engine.prepare(subject)
    with torch.no_grad():
        reference = torch.cat([subject.float_model(*call) for call in subject.calibration])
        # Strided, as some callers have it. Results are read when all are there: they must not share memory.
        calls = [call[0].to(memory_format=torch.channels_last) for call in subject.calibration]
        outputs = [prepared.run(call) for call in calls]
    found = torch.cat(outputs)
    assert found.dtype == torch.float32
    assert found.shape == reference.shape
    centred = [(answers - answers.mean(0)).flatten() for answers in (reference, found)]
    assert np.corrcoef(*centred)[0, 1] > (0.95 if engine.name in SATURATING else 0.99)
    assert not torch.equal(reference, found), "that is no int8"


@PEER
@pytest.mark.usefixtures("quantized_once")
def test_two_threads_give_the_same_answers(engine: Engine, subject: Subject) -> None:
    need(*NEEDS[engine.name])
    one, two = (engine.prepare(replace(subject, threads=n)).run(*subject.example_inputs) for n in (1, 2))
    assert torch.allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("module", [onnxruntime, openvino])
def test_the_files_are_int8_per_channel(int8_files: dict[Recipe, bytes], module: ModuleType) -> None:
    import onnx

    graph = onnx.load_from_string(int8_files[module.RECIPE]).graph
    kinds = {tensor.name: (tensor.data_type, tuple(tensor.dims)) for tensor in graph.initializer}
    inputs = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 2
    for node in convolutions:
        activation, weight = (inputs[name] for name in node.input[:2])
        assert kinds[activation.input[2]] == (onnx.TensorProto.UINT8, ())
        assert kinds[weight.input[0]][0] == onnx.TensorProto.INT8
        assert kinds[weight.input[1]] == (onnx.TensorProto.FLOAT, (16,))


def test_openvino_finds_what_it_fuses_whole(int8_files: dict[Recipe, bytes]) -> None:
    import onnx

    graph = onnx.load_from_string(int8_files[openvino.RECIPE]).graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    (hardswish,) = [node for node in graph.node if node.op_type == "HardSwish"]
    assert makers[hardswish.input[0]] == "Conv"


@PEER
def test_calibration_data_is_needed(engine: Engine, subject: Subject) -> None:
    need(*NEEDS[engine.name])
    with pytest.raises(EngineAbsent, match="no calibration data was given"):
        engine.prepare(replace(subject, calibration=()))


def test_network_that_cannot_be_exported_is_absent_with_the_reason() -> None:
    need(*NEEDS["onnxruntime-int8"])

    class Branch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(EngineAbsent, match="quantizing by ONNX failed"):
        quantized_onnx(Subject(Branch(), (torch.ones(1, 3),), ((torch.ones(1, 3),),)), onnxruntime.RECIPE)


@PEER
def test_missing_packages_are_named(
    engine: Engine, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = NEEDS[engine.name]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineAbsent) as caught:
        engine.prepare(subject)
    assert str(caught.value) == (
        f"not installed: {', '.join(packages)} (pip install {' '.join(packages)}, or mobilekernels[bench])"
    )


def test_peers_run_where_they_are_named() -> None:
    assert select("all") == ENGINES
    assert select(["openvino-int8", "mobilekernels"]) == (ENGINES[0], openvino.INT8)

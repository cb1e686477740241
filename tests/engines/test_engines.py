"""Every stock engine on a small network: right answers, or a reason why not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.engines import ENGINES, Engine, EngineAbsent, Subject, select
from mobilekernels.engines.torch_int8 import fold_relu6, quantized_engine
from mobilekernels.metrics import sqnr

NAMES = [engine.name for engine in ENGINES]
HAS_EXECUTORCH = importlib.util.find_spec("executorch") is not None


def network() -> nn.Module:
    """Convolution, depthwise with ReLU6 (the trap), residual add, linear."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
            self.wise = nn.Sequential(
                nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6()
            )
            self.point = nn.Sequential(nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16))
            self.head = nn.Linear(16, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            x = x + self.point(self.wise(x))
            return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]

    torch.manual_seed(3)
    model = Block().train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 2.0, 4.0)  # so that ReLU6 really clamps
    with torch.no_grad():
        for _ in range(20):
            model(torch.randn(16, 3, 16, 16))
    return model.eval()


@pytest.fixture(scope="module")
def subject() -> Subject:
    torch.manual_seed(4)
    model = network()
    calibration = tuple((torch.randn(1, 3, 16, 16),) for _ in range(16))
    quantized = mk.quantize(model, calibration, progress=False)
    converted, _ = mk.convert(quantized, calibration[0])
    return Subject(model, calibration[0], calibration, quantized, converted)


def prepare(engine: Engine, subject: Subject) -> torch.Tensor:
    prepared = engine.prepare(subject)
    with prepared.session(), torch.no_grad():
        return torch.cat([prepared.run(*call) for call in subject.calibration])


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_engine_gives_the_float_models_answers(engine: Engine, subject: Subject) -> None:
    if engine.name.startswith("xnnpack") and not HAS_EXECUTORCH:
        pytest.skip("executorch is not installed")
    with torch.no_grad():
        reference = torch.cat([subject.float_model(*call) for call in subject.calibration])
    before = torch.backends.quantized.engine
    outputs = prepare(engine, subject)
    assert torch.backends.quantized.engine == before
    # FBGEMM saturates in its depthwise kernels, QNNPACK has one scale a weight tensor, and oneDNN sums pairs
    # of products in int16 where the CPU has no VNNI: 5.8 dB were seen.
    floors = {"fbgemm": 8.0, "qnnpack": 15.0}
    if not mk.cpu_features()["avx512vnni"]:
        floors["onednn"] = 4.0
    floor = floors.get(engine.name, 20.0 if engine.dtype == "int8" else 80.0)
    assert sqnr(reference, outputs) > floor


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_engine_needs_what_it_needs(engine: Engine) -> None:
    bare = Subject(network(), (torch.randn(1, 3, 16, 16),))
    if engine.dtype == "float32":
        return
    with pytest.raises(EngineAbsent):
        engine.prepare(bare)


def test_our_pte_gives_the_bytes_of_the_converted_model(subject: Subject) -> None:
    pytest.importorskip("executorch", reason="what runs .pte files")
    (engine,) = select("mobilekernels-pte")
    with torch.no_grad():
        expected = torch.cat([subject.converted(*call) for call in subject.calibration])  # type: ignore[misc]
    assert torch.equal(prepare(engine, subject), expected)
    with pytest.raises(EngineAbsent, match="no converted model"):
        engine.prepare(Subject(network(), subject.example_inputs))


def test_network_that_fx_cannot_trace_is_absent_with_the_reason() -> None:
    class Branch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    subject = Subject(Branch(), (torch.ones(1, 3),), ((torch.ones(1, 3),),))
    (onednn,) = select("onednn")
    with pytest.raises(EngineAbsent, match="FX quantization failed: TraceError"):
        onednn.prepare(subject)


def test_folded_relu6_saturates_while_it_calibrates() -> None:
    model = fold_relu6(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6()))
    assert type(model[1]) is nn.ReLU  # type: ignore[index]
    x = torch.randn(2, 3, 4, 4) * 100
    assert float(model(x).detach().max()) == 6.0


def test_quantized_engine_is_given_back_after_an_error() -> None:
    before = torch.backends.quantized.engine
    inside = []

    def fail() -> None:
        with quantized_engine("qnnpack"):
            inside.append(torch.backends.quantized.engine)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert inside == ["qnnpack"]
    assert torch.backends.quantized.engine == before


def test_select_names_what_there_is() -> None:
    assert [engine.name for engine in select(["onednn", "mobilekernels"])] == ["mobilekernels", "onednn"]
    assert select("all") == ENGINES
    with pytest.raises(
        ValueError, match=r"engines: given \['tpu'\]; accepted are 'all' or a list of mobilekernels"
    ):
        select(["tpu"])
    with pytest.raises(ValueError, match=r"engines: given \[\]"):
        select([])


def test_without_executorch_xnnpack_is_absent() -> None:
    script = (
        "import sys, torch, importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'executorch' else real(name, *a)\n"
        "import mobilekernels as mk\n"
        "c = mk.compare(torch.nn.Linear(2, 2), None, torch.ones(2, 2), engines=['xnnpack-float'], rounds=0)\n"
        "print(c.results[0].absent)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("executorch is not installed")

import pytest
import torch
from torch import nn

from mobilekernels.frontends import SourceKind, detect, to_canonical
from tests.frontends.quantized import quantize


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(x))


class Quantizable(Small):
    def __init__(self):
        super().__init__()
        self.quant = torch.ao.quantization.QuantStub()
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, x):
        return self.dequant(super().forward(self.quant(x)))


X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("road", "kind"),
    [("x86_inductor", SourceKind.PT2E), ("ours", SourceKind.PT2E), ("qnnpack", SourceKind.FX)],
)
def test_each_road_is_recognised(road, kind):
    assert detect(quantize(Small().eval(), road, X)) is kind


def test_eager_is_recognised():
    assert detect(quantize(Quantizable().eval(), "eager", X)) is SourceKind.EAGER


def test_an_exported_program_is_recognised():
    quantized = quantize(Small().eval(), "x86_inductor", X)
    program = torch.export.export(quantized, (X,))
    assert detect(program) is SourceKind.EXPORTED_PROGRAM
    torch.testing.assert_close(to_canonical(program, (X,))(X), quantized(X), rtol=0, atol=0)


@pytest.mark.parametrize(
    "model", [Small(), torch.fx.symbolic_trace(Small()), torch.export.export(Small().eval(), (X,))]
)
def test_float_models_are_sent_to_quantize(model):
    with pytest.raises(ValueError, match=r"model: .* float model.* mobilekernels\.quantize"):
        detect(model)


@pytest.mark.parametrize("model", [None, "mobilenet", torch.relu])
def test_other_types_are_refused(model):
    with pytest.raises(TypeError, match=r"model: given \w+, accepted a quantized torch\.nn\.Module"):
        detect(model)


def test_an_eager_model_in_training_mode_is_refused():
    model = quantize(Quantizable().eval(), "eager", X).train()
    with pytest.raises(ValueError, match="evaluation mode"):
        to_canonical(model, (X,))


def test_an_eager_model_that_cannot_be_traced_is_refused():
    class Branches(Quantizable):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    model = quantize(Branches().eval(), "eager", X)
    with pytest.raises(NotImplementedError, match=r"torch\.fx cannot trace Branches"):
        to_canonical(model, (X,))

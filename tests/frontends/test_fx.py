"""FX and eager models: the canonical graph computes what PyTorch's quantized operators compute."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mobilekernels.frontends import to_canonical
from mobilekernels.passes.qdq import is_dequantize, is_quantize
from tests.frontends.quantized import quantize
from tests.lowering.check import assert_converts_exactly


class Everything(nn.Module):
    """Operators of quantized FX models, as modules, functions and methods."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU6()
        )
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Hardswish())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.leaky = nn.LeakyReLU(0.1)
        self.elu = nn.ELU()
        self.silu = nn.SiLU()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 5))

    def forward(self, x):
        x = self.stem(x)
        x = self.depthwise(x) * self.squeeze(x)
        a, b = x.chunk(2, dim=1)
        x = torch.cat([b, a], 1) + x
        x = self.leaky(x)
        n, c, h, w = x.size()
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w).contiguous()
        x = F.relu(x) + self.elu(x)
        x = torch.sigmoid(F.avg_pool2d(x, 2)) + self.silu(self.pool(x))
        x = F.hardtanh(x[:, :, :2, :2], -0.5, 2.0)
        x = self.drop(torch.flatten(x.permute(0, 2, 3, 1).permute(0, 3, 1, 2), 1))
        return self.head(x)


class Branches(nn.Module):
    """As torchvision's eager models are: stubs, FloatFunctional, mean."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = torch.ao.quantization.QuantStub(), torch.ao.quantization.DeQuantStub()
        self.conv, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 1)
        self.add = self._function()
        self.mul = self._function()
        self.cat = self._function()
        self.fc = nn.Linear(16, 4)

    @staticmethod
    def _function():
        return torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        a, b = self.conv(x), self.down(x)
        y = self.cat.cat([self.add.add_relu(a, b), self.mul.mul(a, b)], dim=1)
        return self.dequant(self.fc(y.mean([2, 3])))


X = torch.randn(3, 3, 17, 16, generator=torch.Generator().manual_seed(0))


def _assert_follows(quantized, x, quanta):
    """The canonical graph gives, up to some quanta of its last scale, what PyTorch's integer kernels give."""
    canonical = to_canonical(quantized, (x,))
    scale = [n for n in canonical.graph.nodes if is_dequantize(n)][-1].args[1]
    with torch.no_grad():
        distance = (canonical(x) - quantized(x)).abs().max().item()
    assert distance <= quanta * scale * 1.001


# fbgemm and x86 multiply-add in saturating int16 on some machines, hence the room; qnnpack is exact.
@pytest.mark.parametrize("road", ["x86", "qnnpack"])
def test_fx(road):
    torch.manual_seed(1)
    quantized = quantize(Everything().eval(), road, X)
    _assert_follows(quantized, X, 4)
    assert_converts_exactly(quantized, (X,))


def test_eager():
    quantized = quantize(Branches().eval(), "eager", X)
    _assert_follows(quantized, X, 2)
    assert_converts_exactly(quantized, (X,))


def test_no_quantized_tensor_is_left_where_all_is_known():
    canonical = to_canonical(quantize(Everything().eval(), "x86", X), (X,))
    targets = {str(n.target) for n in canonical.graph.nodes}
    assert not any("quantized." in t or t == "dequantize" for t in targets)
    assert not any(n.op == "call_module" for n in canonical.graph.nodes)


def test_sizes_stay_symbolic():
    canonical = to_canonical(quantize(Everything().eval(), "x86", X), (X,))
    assert canonical(torch.randn(7, 3, 17, 16)).shape == (7, 5)


def test_an_unknown_quantized_module_runs_as_it_was():
    """Between a quantize to quint8 and a dequantize, on the same numbers."""

    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.norm, self.last = nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3)

        def forward(self, x):
            return self.last(self.norm(self.fc(x)))

    x = torch.randn(4, 8)
    quantized = quantize(Normed().eval(), "x86", x)
    _assert_follows(quantized, x, 2)
    import mobilekernels

    converted, report = mobilekernels.convert(quantized, (x,))
    assert "LayerNorm" in {row.op for row in report.stock}
    assert report.mac_coverage == 1.0
    assert converted(x).shape == (4, 3)


def test_grids_are_int8():
    canonical = to_canonical(quantize(Everything().eval(), "qnnpack", X), (X,))
    assert sum(map(is_quantize, canonical.graph.nodes)) > 15
    assert not any(torch.uint8 in n.args for n in canonical.graph.nodes)


def test_inputs_that_do_not_fit_are_named():
    quantized = quantize(Everything().eval(), "x86", X)
    with pytest.raises(ValueError, match="example_inputs: the model does not run on them"):
        to_canonical(quantized, (torch.randn(2, 4, 8, 8),))

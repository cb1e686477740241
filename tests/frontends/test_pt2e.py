import pytest
import torch
from torch import nn

from mobilekernels.frontends import to_canonical
from tests.frontends.quantized import quantize


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.Hardswish(inplace=True)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        x += 1
        return {"logits": self.fc(x.mean([2, 3])), "features": (x, x.relu_())}


X = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("road", ["xnnpack", "x86_inductor"])
def test_the_canonical_graph_is_functional_plain_and_equal(road):
    quantized = quantize(InPlace().eval(), road, X)
    source = str(quantized.graph)
    canonical = to_canonical(quantized, (X,))
    assert str(quantized.graph) == source, "the source was changed"
    calls = [str(n.target) for n in canonical.graph.nodes if n.op.startswith("call")]
    assert not any("guards" in c for c in calls)
    assert not any(c.split(".")[-2].endswith("_") for c in calls)
    expected, actual = quantized(X), canonical(X)
    assert list(actual) == ["logits", "features"]
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_the_batch_is_not_baked_in():
    quantized = quantize(InPlace().eval(), "xnnpack", X)
    canonical = to_canonical(quantized, (X,))
    other = torch.randn(5, 3, 9, 9)
    torch.testing.assert_close(canonical(other), quantized(other), rtol=0, atol=0)


def test_nested_inputs_are_flattened():
    class Nested(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, pair, scale):
            return self.fc(pair[0]) + self.fc(pair[1]["x"]) * scale

    a, b, c = torch.randn(2, 4), torch.randn(2, 4), torch.randn(2, 3)
    args = ((a, {"x": b}), c)
    pt2e = pytest.importorskip("torchao.quantization.pt2e.quantize_pt2e", reason="PT2E quantization")
    from tests.frontends.quantized import _quantizer

    prepared = pt2e.prepare_pt2e(torch.export.export(Nested(), args).module(), _quantizer("x86_inductor"))
    prepared(*args)
    quantized = pt2e.convert_pt2e(prepared)
    canonical = to_canonical(quantized, args)
    torch.testing.assert_close(canonical(a, b, c), quantized(*args), rtol=0, atol=0)

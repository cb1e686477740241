"""`mobilekernels.convert` as a user meets it."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels
from tests.frontends.quantized import quantize


class Net(nn.Module):
    """A bit of everything that mobile networks have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU6(), nn.Conv2d(8, 8, 1))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.head(x + self.block(x))


X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
ROADS = ["xnnpack", "x86_inductor", "ours", "x86", "qnnpack"]


@pytest.fixture(scope="module", params=ROADS)
def quantized(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    return quantize(Net().eval(), request.param, X)


@pytest.fixture(scope="module")
def converted(quantized: Any) -> mobilekernels.ConvertedModel:
    return mobilekernels.convert(quantized, (X,))[0]


def test_any_batch_size(converted):
    x = torch.randn(7, 3, 16, 16)
    torch.testing.assert_close(converted(x), torch.cat([converted(i[None]) for i in x]), rtol=0, atol=0)


def test_the_source_is_not_changed(quantized):
    before = quantized(X)
    state = {k: v.clone() for k, v in quantized.state_dict().items() if isinstance(v, torch.Tensor)}
    mobilekernels.convert(quantized, (X,))
    torch.testing.assert_close(quantized(X), before, rtol=0, atol=0)
    for name, value in quantized.state_dict().items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value.dequantize(), state[name].dequantize()), name


def test_a_tensor_or_a_list_is_an_example_too(quantized, converted):
    for example in (X, [X]):
        torch.testing.assert_close(
            mobilekernels.convert(quantized, example)[0](X), converted(X), rtol=0, atol=0
        )


def test_export_with_a_dynamic_batch(converted, tmp_path):
    program = torch.export.export(converted, (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, tmp_path / "net.pt2")
    loaded = torch.export.load(tmp_path / "net.pt2").module()
    x = torch.randn(5, 3, 16, 16)
    torch.testing.assert_close(loaded(x), converted(x), rtol=0, atol=0)


def test_compile(converted):
    compiled = torch.compile(converted, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(X), converted(X), rtol=0, atol=0)


def test_copies_and_files(converted):
    expected = converted(X)
    copied = copy.deepcopy(converted)
    file = io.BytesIO()
    torch.save(converted, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (copied, loaded):
        torch.testing.assert_close(other(X), expected, rtol=0, atol=0)
        assert str(other.report) == str(converted.report)
    for value in copied.state_dict().values():
        value.zero_()
    copied.load_state_dict(converted.state_dict())
    torch.testing.assert_close(copied(X), expected, rtol=0, atol=0)
    torch.testing.assert_close(loaded(X), expected, rtol=0, atol=0)


@pytest.mark.parametrize("position", [4, 70, -1])
def test_damaged_weights_are_refused_when_they_are_loaded(converted, position):
    """Also where the model has run: its operators found the old bytes at this address good."""
    damaged = copy.deepcopy(converted)
    damaged(X)
    state = copy.deepcopy(damaged.state_dict())
    name = next(name for name in state if name.endswith("_packed"))
    state[name][position] ^= 4
    with pytest.raises(mobilekernels.FormatError, match=name):
        damaged.load_state_dict(state)


BAD_INPUTS = {
    "no tensor": ((3,), TypeError, "given int, accepted a torch.Tensor"),
    "dtype": ((X.double(),), TypeError, "given torch.float64, accepted torch.float32"),
    "rank": ((X[0],), ValueError, "accepted 4 dimensions"),
    "channels": ((torch.randn(1, 4, 16, 16),), ValueError, "accepted 3 in dimension 1"),
    "empty batch": ((X[:0],), ValueError, r"x: given shape \(0, 3, 16, 16\), accepted at least one value"),
    "number": ((X, X), ValueError, "given 2, accepted 1"),
    "device": ((X.to("meta"),), NotImplementedError, "given a tensor on meta, accepted cpu"),
}


@pytest.mark.parametrize(("inputs", "error", "words"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_wrong_inputs_are_refused(converted, inputs, error, words):
    with pytest.raises(error, match=words):
        converted(*inputs)


def test_errors_of_our_operators_have_their_types(converted):
    broken = copy.deepcopy(converted)
    next(v for k, v in broken.state_dict().items() if k.endswith("_packed"))[0] += 1
    with pytest.raises(mobilekernels.FormatError, match="packed"):
        broken(X)


@pytest.mark.parametrize(
    ("model", "example", "error", "words"),
    [
        (Net().eval(), (X,), ValueError, "float model"),
        ("net", (X,), TypeError, "model: given str"),
    ],
)
def test_wrong_models_are_refused(model, example, error, words):
    with pytest.raises(error, match=words):
        mobilekernels.convert(model, example)


@pytest.mark.parametrize(
    ("example", "error"),
    [
        ("x", TypeError),
        ({"x": X}, TypeError),
        ((), ValueError),
        ((X, X), ValueError),
        ((X[0, 0],), ValueError),
    ],
)
def test_wrong_examples_are_refused(quantized, example, error):
    with pytest.raises(error, match="example_inputs"):
        mobilekernels.convert(quantized, example)


def test_weights_of_minus_128():
    """PyTorch's symmetric observers make them; they are moved and counted, or their layers stay in float."""
    quantized = quantize(Net().eval(), "x86_inductor", X)
    weights = [b for n, b in quantized.named_buffers() if b.dtype == torch.int8]
    expected = sum(int((w == -128).sum()) for w in weights)
    assert expected > 0
    _, report = mobilekernels.convert(quantized, (X,))
    assert report.remarks[0].startswith(f"{expected} weight codes of -128")
    assert report.mac_coverage == 1.0

    kept, strict = mobilekernels.convert(quantized, (X,), narrow_weights=False)
    assert not any("weight codes" in remark for remark in strict.remarks)
    assert any("-128" in row.reason for row in strict.stock)
    torch.testing.assert_close(kept(X), quantized(X), rtol=0.2, atol=0.1)


def test_nested_inputs_and_outputs():
    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()

        def forward(self, pair: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"a": self.net(pair[0]), "b": self.net(pair[1])}

    pt2e = pytest.importorskip("torchao.quantization.pt2e.quantize_pt2e", reason="PT2E quantization")
    from tests.frontends.quantized import _quantizer

    args = ((X, X.flip(-1)),)
    prepared = pt2e.prepare_pt2e(torch.export.export(Nested().eval(), args).module(), _quantizer("xnnpack"))
    prepared(*args)
    quantized = pt2e.convert_pt2e(prepared)
    converted, _ = mobilekernels.convert(quantized, args)
    result = converted(*args)
    assert list(result) == ["a", "b"]
    torch.testing.assert_close(result["b"], quantized(*args)["b"], rtol=0.1, atol=0.1)

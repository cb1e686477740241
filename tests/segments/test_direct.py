"""A model of one segment is called without its generated code, unless somebody changes or watches that."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, fx, nn

import mobilekernels as mk
from mobilekernels.segments.direct import Direct


class Two(nn.Module):
    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 1)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        a = torch.relu(self.first(x))
        b = self.second(a)
        return torch.softmax(b, 1) if self.softmax else (b, a)


def converted(softmax: bool) -> mk.ConvertedModel:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 12, 12)
    return mk.convert(mk.quantize(Two(softmax).eval(), [(x,)]), (x,))[0]


X = torch.linspace(-2, 2, 2 * 3 * 10 * 11).view(2, 3, 10, 11)


def same(a: object, b: object) -> bool:
    assert type(a) is type(b)
    pairs = [(a, b)] if isinstance(a, Tensor) else zip(a, b, strict=True)  # type: ignore[call-overload]
    return all(torch.equal(left, right) for left, right in pairs)


@pytest.mark.parametrize("softmax", [False, True])
def test_the_same_as_the_module(softmax: bool) -> None:
    model = converted(softmax)
    assert (Direct.of(model.graph_module) is None) == softmax
    expected = model.graph_module(X)
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same(each(X), expected)
        assert same(each(X), expected)


def test_new_weights_are_used() -> None:
    model = converted(False)
    model(X)
    name, buffer = next(iter(model.graph_module.named_buffers()))
    setattr(model.graph_module, name, torch.zeros_like(buffer))
    with pytest.raises(mk.FormatError):
        model(X)


def test_hooks_are_called() -> None:
    model = converted(False)
    expected = model(X)
    seen = []
    handle = model.graph_module.register_forward_hook(lambda *_: seen.append(1))
    assert same(model(X), expected)
    assert seen == [1]
    handle.remove()
    assert same(model(X), expected)
    assert seen == [1]


def test_a_changed_graph_is_followed() -> None:
    model = converted(False)
    expected = model(X)
    graph: fx.Graph = model.graph_module.graph
    output = next(node for node in graph.nodes if node.op == "output")
    output.args = (next(iter(output.args[0])),)
    model.graph_module.recompile()
    assert same(model(X), expected[0])

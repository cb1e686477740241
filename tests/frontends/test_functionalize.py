import pytest
import torch

from mobilekernels.frontends.builder import Builder
from mobilekernels.frontends.functionalize import functionalize

aten = torch.ops.aten


def _module(body):
    builder = Builder()
    builder.graph.output(body(builder, builder.graph.placeholder("x")))
    # `finish` would drop in-place operators whose result nobody reads: here they act.
    return torch.fx.GraphModule(builder.root, builder.graph)


def _assert_functional(body):
    x = torch.randn(2, 6)
    module = _module(body)
    expected = module(x.clone())
    functionalize(module.graph)
    module.recompile()
    before = x.clone()
    torch.testing.assert_close(module(x), expected, rtol=0, atol=0)
    assert torch.equal(x, before)
    assert not any(
        str(n.target).split(".")[1].endswith("_") for n in module.graph.nodes if "aten" in str(n.target)
    )


def test_later_readers_see_what_was_written():
    def body(b, x):
        y = b.call(aten.mul.Tensor, x, 2)
        b.call(aten.relu_.default, y)
        return b.call(aten.add.Tensor, y, 1), y

    _assert_functional(body)


def test_earlier_readers_do_not():
    def body(b, x):
        y = b.call(aten.mul.Tensor, x, 2)
        before = b.call(aten.add.Tensor, y, 1)
        return b.call(aten.hardtanh_.default, y, 0.0, 0.5), before

    _assert_functional(body)


def test_a_chain_of_writes():
    def body(b, x):
        y = b.call(aten.mul.Tensor, x, 2)
        z = b.call(aten.add_.Tensor, b.call(aten.relu_.default, y), 1)
        return b.call(aten.silu_.default, z), y, z

    _assert_functional(body)


def test_a_write_through_a_view_that_owns_its_base():
    def body(b, x):
        y = b.call(aten.view.default, b.call(aten.mul.Tensor, x, 2), [3, 4])
        return b.call(aten.relu_.default, y)

    _assert_functional(body)


@pytest.mark.parametrize("case", ["input", "base of a view", "view made before"])
def test_writes_that_others_would_see_are_refused(case):
    def body(b, x):
        if case == "input":
            return b.call(aten.relu_.default, x)
        y = b.call(aten.mul.Tensor, x, 2)
        view = b.call(aten.view.default, y, [3, 4])
        written = view if case == "base of a view" else y
        b.call(aten.relu_.default, written)
        return y, b.call(aten.add.Tensor, view, 1)

    with pytest.raises(NotImplementedError, match=r"model: relu__default \(aten\.relu_\.default\) writes"):
        functionalize(_module(body).graph)

"""The ops as PyTorch sees them: schemas, fakes, torch.compile, torch.export, and no copies in between."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.library import opcheck
from torch.utils._python_dispatch import TorchDispatchMode

import mobilekernels as mk
from tests.op_samples import BATCHED, CHANNELS, OPS, OUT_CHANNELS, int8, packed_conv2d, samples

# PyTorch does not functionalize ops whose output is an alias of an input, and `-> Tensor(a!)` is what
# ExecuTorch wants of an `.out` overload. Compilers therefore see the functional overload alone, which gets
# every check.
_OUT_CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def overload(op: str, name: str = "default") -> Any:
    return getattr(getattr(torch.ops.mobilekernels, op), name)


class OneOp(nn.Module):
    """A model of one op: the tensors with a batch come in, all else is fixed (packed weights are buffers)."""

    def __init__(self, op: str, batch: int = 2) -> None:
        super().__init__()
        self.op = op
        self.order = [argument.name for argument in overload(op)._schema.arguments]
        self.fixed = {}
        for name, value in samples(batch)[op].items():
            if name in BATCHED:
                continue
            if isinstance(value, Tensor):
                self.register_buffer(name, value)
            else:
                self.fixed[name] = value

    def forward(self, inputs: dict[str, Any]) -> Tensor:
        buffers = dict(self.named_buffers())
        given = {**inputs, **buffers, **self.fixed}
        return getattr(mk.ops, self.op)(*(given[name] for name in self.order))


def inputs_of(op: str, batch: int) -> dict[str, Any]:
    return {name: value for name, value in samples(batch)[op].items() if name in BATCHED}


def test_every_registered_op_has_a_sample() -> None:
    names = [name for name in torch._C._dispatch_get_all_op_names() if name.startswith("mobilekernels::")]
    # A segment is made of these; tests/segments has its own.
    expected = {f"mobilekernels::{op}{suffix}" for op in [*OPS, "segment"] for suffix in ("", ".out")}
    assert set(names) == expected
    assert set(mk.ops.__all__) == {*OPS, "segment"}


@pytest.mark.parametrize("op", OPS)
def test_opcheck_functional(op: str) -> None:
    opcheck(overload(op), tuple(samples()[op].values()))


@pytest.mark.parametrize("op", OPS)
def test_opcheck_out(op: str) -> None:
    arguments = tuple(samples()[op].values())
    out = torch.empty_like(overload(op)(*arguments))
    opcheck(overload(op, "out"), arguments, {"out": out}, test_utils=_OUT_CHECKS)


@pytest.mark.parametrize("op", OPS)
def test_out_is_written_and_returned(op: str) -> None:
    arguments = tuple(samples()[op].values())
    expected = overload(op)(*arguments)
    out = torch.full_like(expected, 99)
    result = overload(op, "out")(*arguments, out=out)
    assert result.data_ptr() == out.data_ptr()
    assert torch.equal(out, expected)


@pytest.mark.parametrize("op", OPS)
def test_wrapper_is_the_op(op: str) -> None:
    arguments = samples()[op]
    assert torch.equal(getattr(mk.ops, op)(**arguments), overload(op)(*arguments.values()))


@pytest.mark.parametrize("op", OPS)
def test_compile_without_a_graph_break(op: str) -> None:
    torch.compiler.reset()  # else the models of the other ops count as recompilations of this one
    model = OneOp(op)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True, dynamic=True)
    for batch in (2, 5):
        assert torch.equal(compiled(inputs_of(op, batch)), model(inputs_of(op, batch)))


def test_compile_with_inductor() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = OneOp("conv2d")

        def forward(self, x: Tensor) -> Tensor:
            # A channels_last float that inductor makes itself, read by an op of ours without a copy.
            image = (x * 2).contiguous(memory_format=torch.channels_last)
            return mk.ops.dequantize_nchw(self.conv({"x": mk.ops.quantize_nhwc(image, 0.1, 3)}), 0.05, 5) + 1

    model = Model()
    x = torch.randn(2, CHANNELS, 9, 8)
    # Probing for vector instructions and starting worker processes costs more than this small model is worth.
    quick = {"cpp.simdlen": 1, "compile_threads": 1}
    compiled = torch.compile(model, backend="inductor", fullgraph=True, options=quick)
    assert torch.equal(compiled(x), model(x))


@pytest.mark.parametrize("op", OPS)
def test_export_with_a_dynamic_batch(op: str) -> None:
    model = OneOp(op)
    inputs = inputs_of(op, 2)
    batch = torch.export.Dim("batch", min=1, max=64)
    dynamic = {
        name: [{0: batch} for _ in value] if isinstance(value, list) else {0: batch}
        for name, value in inputs.items()
    }
    exported = torch.export.export(model, (inputs,), dynamic_shapes=(dynamic,))
    calls = [node.target for node in exported.graph.nodes if node.op == "call_function"]
    assert overload(op) in calls
    for size in (1, 2, 7):
        assert torch.equal(exported.module()(inputs_of(op, size)), model(inputs_of(op, size)))


class Calls(TorchDispatchMode):
    """Every op that is run, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.name())
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_images_are_never_copied(memory_format: torch.memory_format) -> None:
    model = OneOp("conv2d")
    x = torch.randn(2, CHANNELS, 9, 8).contiguous(memory_format=memory_format)
    with Calls() as calls:
        y = mk.ops.quantize_nhwc(x, 0.1, 3)
        assert y.is_contiguous()
        assert y.shape == (2, 9, 8, CHANNELS)
        y = model({"x": y})
        assert y.is_contiguous()
        mk.ops.dequantize_nchw(y, 0.05, 5)
    assert calls.names == [f"mobilekernels::{op}" for op in ("quantize_nhwc", "conv2d", "dequantize_nchw")]


WINDOWS = list(itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (0, 1), (1, 2)))


@pytest.mark.parametrize("size", [5, 6, 7])
def test_fake_shapes_are_the_real_ones(size: int) -> None:
    x = int8(1, size, size + 1, CHANNELS)
    packed = packed_conv2d()
    seen = 0
    for kernel, stride, before, after, dilation in WINDOWS:
        padding = [before, after, after, before]
        window = ([kernel] * 2, [stride] * 2, padding, [dilation] * 2)
        if 2 * max(padding) <= kernel:
            for ceil_mode in (False, True):
                calls = [
                    (torch.ops.mobilekernels.max_pool2d.default, (*window, ceil_mode)),
                    (
                        torch.ops.mobilekernels.avg_pool2d.default,
                        (*window[:3], ceil_mode, True, 0, 0.1, 0, 0.1, 0, -128, 127),
                    ),
                ]
                for op, arguments in calls:
                    assert op(x.to("meta"), *arguments).shape == op(x, *arguments).shape
                    seen += 1
        if kernel == 3:
            arguments = (OUT_CHANNELS, *window, 1, 3, 0, -128, 127)
            conv2d = torch.ops.mobilekernels.conv2d.default
            assert (
                conv2d(x.to("meta"), packed.to("meta"), *arguments).shape
                == conv2d(x, packed, *arguments).shape
            )
            seen += 1
    assert seen > 100

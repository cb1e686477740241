"""Operators that only rearrange values: the same operator on the codes, in logical order."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes.grid import MOVES
from mobilekernels.passes.shapes import shape_of

aten = torch.ops.aten
# These have rules of their own, which fall back on `move`.
_OTHERS = frozenset(
    {
        aten.flatten.using_ints,
        aten.chunk.default,
        aten.split.Tensor,
        aten.slice.Tensor,
        aten.channel_shuffle.default,
        operator.getitem,
    }
)
_LISTS = frozenset(
    {aten.chunk.default, aten.split.Tensor, aten.split_with_sizes.default, aten.split.sizes, aten.unbind.int}
)

# In reports, the family of operators that move int8 data with PyTorch's own copy kernels.
FAMILY = "int8 move"


@rule(*(MOVES - _OTHERS))
def move(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    assert x.qparams is not None
    free = _free_permutation(ctx, node, x)
    if free is not None:
        return free
    args = fx.map_arg(node.args[1:], lambda n: ctx.float32(ctx.value(n)))
    moved = ctx.emit(node.target, ctx.int8(x, Layout.PLAIN, contiguous=False), *args)
    moved.kwargs = fx.map_arg(node.kwargs, lambda n: ctx.float32(ctx.value(n)))
    if node.target not in _LISTS:
        return ctx.result(ctx.strided(moved), Layout.PLAIN, x.qparams, FAMILY, of=node)
    indices: list[Any] = [u.args[1] for u in node.users if u.target is operator.getitem]
    if len(indices) < len(node.users) or not all(isinstance(i, int) for i in indices):
        return "its list is used as a whole"
    parts = [ctx.strided(ctx.emit(operator.getitem, moved, i)) for i in range(max(indices) + 1)]
    items = [Value(None, x.qparams, int8={Layout.PLAIN: part}) for part in parts]
    return Result(Value(items=items), FAMILY)


@rule(operator.getitem)
def lower_getitem(ctx: Lowering, node: fx.Node) -> Result | str:
    source: Any = node.args[0]
    index: Any = node.args[1]
    if shape_of(source) is not None:
        return move(ctx, node)
    # Picking from a list computes nothing, so it is no row of the report.
    items = ctx.value(source).items
    if items is None:
        return Result(Value(float32=ctx.emit(operator.getitem, ctx.float32(ctx.value(source)), index)), "")
    item = items[index]
    item.shape = shape_of(node)
    return Result(item, "")


def _free_permutation(ctx: Lowering, node: fx.Node, x: Value) -> Result | None:
    """Between NCHW and NHWC the memory stays and only the names of its dimensions change."""
    if node.target is not aten.permute.default or not x.is_image or x.qparams is None:
        return None
    order = [d % 4 for d in node.args[1]]  # type: ignore[union-attr, operator]
    if order == [0, 2, 3, 1] and Layout.NHWC in x.int8:
        return ctx.result(x.int8[Layout.NHWC], Layout.PLAIN, x.qparams, FAMILY, of=node)
    if order == [0, 3, 1, 2] and Layout.PLAIN in x.int8:
        return ctx.result(ctx.int8(x, Layout.PLAIN), Layout.NHWC, x.qparams, FAMILY, of=node)
    return None

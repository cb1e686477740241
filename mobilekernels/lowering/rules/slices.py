"""Slices and chunks of an image's channels."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments
from mobilekernels.lowering.rules.moves import move
from mobilekernels.lowering.values import Layout, Value

aten = torch.ops.aten


@rule(aten.chunk.default, aten.split.Tensor)
def lower_chunk(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    count, dim = arguments(node, chunks=None, dim=0)
    if not x.is_image or dim % 4 != 1 or not isinstance(count, int):
        return move(ctx, node)
    assert x.shape is not None
    channels = x.shape[1]
    step = -(-channels // count) if node.target is aten.chunk.default else count
    items = [_channels(ctx, x, start, min(start + step, channels)) for start in range(0, channels, step)]
    return Result(Value(items=items), "elementwise")


@rule(aten.slice.Tensor)
def lower_slice(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    dim, start, end, step = arguments(node, dim=0, start=None, end=None, step=1)
    numbers = all(v is None or isinstance(v, int) for v in (start, end, step))
    if not x.is_image or dim % 4 != 1 or not numbers or step != 1:
        return move(ctx, node)
    assert x.shape is not None
    first, last, _ = slice(start, end).indices(x.shape[1])
    if first >= last:
        return move(ctx, node)
    return Result(_channels(ctx, x, first, last), "elementwise")


def _channels(ctx: Lowering, x: Value, start: int, end: int) -> Value:
    assert x.shape is not None
    part = ctx.emit(torch.ops.mobilekernels.slice_channels.default, ctx.int8(x, Layout.NHWC), start, end)
    return Value((x.shape[0], end - start, *x.shape[2:]), x.qparams, int8={Layout.NHWC: part})

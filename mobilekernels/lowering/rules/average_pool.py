"""Average pooling, fixed and adaptive."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments, pair
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.qparams import QParams

aten = torch.ops.aten
ours = torch.ops.mobilekernels


def _operands(ctx: Lowering, node: fx.Node) -> tuple[Value, QParams] | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    if not x.is_image:
        return f"input has shape {x.shape}, accepted [N, C, H, W]"
    after = ctx.quantize_after(node)
    return (x, after) if after is not None else "output is not quantized"


def _scales(x: Value, after: QParams) -> tuple[Any, ...]:
    assert x.qparams is not None
    return (
        x.qparams.scale,
        x.qparams.zero_point,
        after.scale,
        after.zero_point,
        after.low,
        after.high,
    )


@rule(aten.avg_pool2d.default)
def lower_avg_pool2d(ctx: Lowering, node: fx.Node) -> Result | str:
    operands = _operands(ctx, node)
    if isinstance(operands, str):
        return operands
    x, after = operands
    kernel, stride, padding, ceil_mode, include_pad, divisor = arguments(
        node,
        kernel_size=None,
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    )
    height, width = pair(padding)
    out = ctx.emit(
        ours.avg_pool2d.default,
        ctx.int8(x, Layout.NHWC),
        pair(kernel),
        pair(stride or kernel),
        [height, height, width, width],
        ceil_mode,
        include_pad,
        divisor or 0,
        *_scales(x, after),
    )
    return ctx.result(out, Layout.NHWC, after, "pool", of=node)


@rule(aten.adaptive_avg_pool2d.default)
def lower_adaptive_avg_pool2d(ctx: Lowering, node: fx.Node) -> Result | str:
    operands = _operands(ctx, node)
    if isinstance(operands, str):
        return operands
    x, after = operands
    size = pair(node.args[1])
    out = ctx.emit(ours.adaptive_avg_pool2d.default, ctx.int8(x, Layout.NHWC), size, *_scales(x, after))
    return ctx.result(out, Layout.NHWC, after, "pool", of=node)

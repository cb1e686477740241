"""Max pooling: the codes' order is the numbers' order, so it needs no scales."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments, pair
from mobilekernels.lowering.values import Layout

aten = torch.ops.aten


@rule(aten.max_pool2d.default)
def lower_max_pool2d(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    if not x.is_image:
        return f"input has shape {x.shape}, accepted [N, C, H, W]"
    kernel, stride, padding, dilation, ceil_mode = arguments(
        node, kernel_size=None, stride=None, padding=0, dilation=1, ceil_mode=False
    )
    height, width = pair(padding)
    out = ctx.emit(
        torch.ops.mobilekernels.max_pool2d.default,
        ctx.int8(x, Layout.NHWC),
        pair(kernel),
        pair(stride or kernel),
        [height, height, width, width],
        pair(dilation),
        ceil_mode,
    )
    assert x.qparams is not None
    return ctx.result(out, Layout.NHWC, x.qparams, "pool", of=node)

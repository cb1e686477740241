"""The mean over an image's height and width: an average pool to one pixel."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments
from mobilekernels.lowering.values import Layout

aten = torch.ops.aten


@rule(aten.mean.dim)
def lower_mean(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    dims, keepdim = arguments(node, dim=None, keepdim=False)
    if not x.is_image or sorted(d % 4 for d in dims or ()) != [2, 3]:
        return f"mean over dimensions {dims} of shape {x.shape}, accepted the last two of [N, C, H, W]"
    if node.kwargs.get("dtype") not in (None, torch.float32):
        return f"mean in {node.kwargs['dtype']}, accepted float32"
    after = ctx.quantize_after(node)
    if after is None:
        return "output is not quantized"
    assert x.qparams is not None
    out = ctx.emit(
        torch.ops.mobilekernels.adaptive_avg_pool2d.default,
        ctx.int8(x, Layout.NHWC),
        [1, 1],
        x.qparams.scale,
        x.qparams.zero_point,
        after.scale,
        after.zero_point,
        after.low,
        after.high,
    )
    if keepdim:
        return ctx.result(out, Layout.NHWC, after, "pool", of=node)
    pixels = ctx.emit(aten.flatten.using_ints, out, 1)
    return ctx.result(pixels, Layout.PLAIN, after, "pool", of=node)

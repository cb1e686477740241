"""Padding with zero that no convolution took: with the code of zero."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments
from mobilekernels.lowering.rules.moves import FAMILY
from mobilekernels.lowering.values import Layout
from mobilekernels.passes.grid import with_zero

_PAD = torch.ops.aten.constant_pad_nd.default


@rule(_PAD)
def lower_pad(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    pad, value = arguments(node, pad=None, value=0)
    if value != 0:
        return f"pads with {value}, accepted 0"
    assert x.qparams is not None
    zero = x.qparams.zero_point
    params = with_zero(x.qparams)
    if x.is_image and len(pad) <= 4:
        nhwc = [0, 0, *pad, 0, 0][: 2 + len(pad)]
        out = ctx.emit(_PAD, ctx.int8(x, Layout.NHWC), nhwc, zero)
        return ctx.result(out, Layout.NHWC, params, FAMILY, of=node)
    out = ctx.emit(_PAD, ctx.int8(x, Layout.PLAIN), list(pad), zero)
    return ctx.result(out, Layout.PLAIN, params, FAMILY, of=node)

"""Channel shuffle: channels are the last dimension in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.values import Layout


@rule(torch.ops.aten.channel_shuffle.default)
def lower_channel_shuffle(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    if not x.is_image:
        return f"input has shape {x.shape}, accepted [N, C, H, W]"
    groups: Any = node.args[1]
    out = ctx.emit(torch.ops.mobilekernels.channel_shuffle.default, ctx.int8(x, Layout.NHWC), groups)
    assert x.qparams is not None
    return ctx.result(out, Layout.NHWC, x.qparams, "elementwise", of=node)

"""Flattening images: one pixel is its channels already; others go through the logical order."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments, pair
from mobilekernels.lowering.rules.moves import FAMILY, move
from mobilekernels.lowering.values import Layout

aten = torch.ops.aten
_FLATTEN = aten.flatten.using_ints


@rule(_FLATTEN)
def lower_flatten(ctx: Lowering, node: fx.Node) -> Result | str:
    x = ctx.quantized(node.args[0])
    if isinstance(x, str):
        return x
    start, end = arguments(node, start_dim=0, end_dim=-1)
    if not (x.is_image and (start % 4, end % 4) == (1, 3) and _is_one_pixel(node.args[0])):
        return move(ctx, node)
    assert x.qparams is not None
    channels = ctx.emit(_FLATTEN, ctx.int8(x, Layout.NHWC), 1)
    return ctx.result(channels, Layout.PLAIN, x.qparams, FAMILY, of=node)


def _is_one_pixel(node: Any) -> bool:
    """Whether the value is 1x1 whatever the size of the input: through q and dq, an average over all."""
    while "quantize_per_tensor" in str(node.target):
        node = node.args[0]
    return node.target is aten.adaptive_avg_pool2d.default and pair(node.args[1]) == [1, 1]

"""Concatenation: of parts on one grid as they are, of others with their scales changed on the way."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.arguments import arguments
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes.grid import common_grid
from mobilekernels.qparams import QParams

NHWC_DIMENSION = {0: 0, 1: 3, 2: 1, 3: 2}


@rule(torch.ops.aten.cat.default)
def lower_cat(ctx: Lowering, node: fx.Node) -> Result | str:
    nodes: Any = node.args[0]
    (dim,) = arguments(node, dim=0)
    parts: list[Value] = []
    for part in nodes:
        value = ctx.quantized(part)
        if isinstance(value, str):
            return value
        parts.append(value)
    grids = [part.qparams for part in parts]
    after = _unclamped(ctx.quantize_after(node)) or common_grid(grids)
    if after is None:
        return "parts have different scales and the output is not quantized"
    layout = Layout.NHWC if parts[0].is_image else Layout.PLAIN
    logical = dim % len(parts[0].shape or (0,))
    out = ctx.emit(
        torch.ops.mobilekernels.concat.default,
        [ctx.int8(part, layout) for part in parts],
        NHWC_DIMENSION[logical] if layout is Layout.NHWC else logical,
        [g.scale for g in grids if g is not None],
        [g.zero_point for g in grids if g is not None],
        after.scale,
        after.zero_point,
    )
    return ctx.result(out, layout, after, "elementwise", of=node)


def _unclamped(params: QParams | None) -> QParams | None:
    """Concatenation has no bounds of its own: a narrower quantize clamps behind it."""
    return None if params is None else QParams(params.scale, params.zero_point)

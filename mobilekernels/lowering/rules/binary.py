"""add and mul of two quantized values, with broadcasting."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.values import Layout

aten = torch.ops.aten
_OURS: dict[Any, Any] = {
    aten.add.Tensor: torch.ops.mobilekernels.add.default,
    aten.mul.Tensor: torch.ops.mobilekernels.mul.default,
}
_MAX_DIMS = 6


@rule(*_OURS)
def lower_binary(ctx: Lowering, node: fx.Node) -> Result | str:
    if node.kwargs.get("alpha", 1) != 1:
        return f"alpha is {node.kwargs['alpha']}, accepted 1"
    a, b = (ctx.quantized(x) for x in node.args)
    if isinstance(a, str):
        return a
    if isinstance(b, str):
        return b
    after = ctx.quantize_after(node)
    if after is None:
        return "output is not quantized"
    if max(len(a.shape or ()), len(b.shape or ())) > _MAX_DIMS:
        return f"operands have more than {_MAX_DIMS} dimensions"
    assert a.qparams is not None
    assert b.qparams is not None
    layout = Layout.NHWC if a.is_image and b.is_image else Layout.PLAIN
    out = ctx.emit(
        _OURS[node.target],
        ctx.int8(a, layout),
        ctx.int8(b, layout),
        a.qparams.scale,
        a.qparams.zero_point,
        b.qparams.scale,
        b.qparams.zero_point,
        after.scale,
        after.zero_point,
        after.low,
        after.high,
    )
    return ctx.result(out, layout, after, "elementwise", of=node)

"""A table look-up, in whichever layout the codes are."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering, stand_for
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes import canonical_ops
from mobilekernels.passes.shapes import shape_of
from mobilekernels.qparams import QParams

_LUT = torch.ops.mobilekernels.lut.default


@rule(canonical_ops.lut)
def lower_lut(ctx: Lowering, node: fx.Node) -> Result | str:
    codes, table = ctx.value(node.args[0]), ctx.value(node.args[1])
    assert table.constant is not None
    layout = Layout.NHWC if Layout.NHWC in codes.int8 else Layout.PLAIN
    out = ctx.emit(_LUT, ctx.int8(codes, layout), ctx.buffer(f"{node.name}_table", table.constant))
    stand_for(out, node, layout)
    low, high = int(table.constant.min()), int(table.constant.max())
    # The grid of the entries is told by the dequantize that follows; here only their range counts.
    grid = QParams(1.0, 0, low, high)
    return Result(Value(shape_of(node), grid, True, {layout: out}), "elementwise")

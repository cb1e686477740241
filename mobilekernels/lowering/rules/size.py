"""Sizes are read from whichever form of a value there is."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.cat import NHWC_DIMENSION
from mobilekernels.lowering.values import Layout, Value

_SIZE = torch.ops.aten.sym_size.int


@rule(_SIZE)
def lower_size(ctx: Lowering, node: fx.Node) -> Result | str:
    source: Any = node.args[0]
    dim: Any = node.args[1]
    x = ctx.value(source)
    if Layout.NHWC in x.int8:
        return Result(Value(float32=ctx.emit(_SIZE, x.int8[Layout.NHWC], NHWC_DIMENSION[dim % 4])), "")
    form = x.int8[Layout.PLAIN] if Layout.PLAIN in x.int8 else ctx.float32(x)
    return Result(Value(float32=ctx.emit(_SIZE, form, dim)), "")

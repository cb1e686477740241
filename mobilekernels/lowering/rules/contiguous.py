"""Floats as operators of ours read them: in contiguous memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering

aten = torch.ops.aten
ours = torch.ops.mobilekernels
# Whose results are contiguous in the logical shape.
_CONTIGUOUS = (
    ours.conv2d_f32.default, ours.linear_f32.default, ours.linear_dynamic.default,
    ours.dequantize_nchw.default,
)  # fmt: skip


def contiguous(ctx: Lowering, x: Any) -> fx.Node:
    """The numbers of `x` as the operators read them. Contiguous memory is not copied again."""
    numbers: fx.Node = ctx.float32(ctx.value(x))
    return numbers if numbers.target in _CONTIGUOUS else ctx.emit(aten.contiguous.default, numbers)

"""What convolution and linear ask of their weights and biases."""

from __future__ import annotations

from typing import Any

import torch

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.values import QuantizedWeight


def symmetric_weight(ctx: Lowering, node: Any) -> QuantizedWeight | str:
    """The int8 weight, or why it cannot be used: symmetric, one scale for all or for each output channel."""
    weight = ctx.value(node).weight
    if weight is None:
        return f"weight {node.name} is not a quantized int8 constant"
    if bool((weight.zero_points != 0).any()):
        return f"weight {node.name} is not symmetric: its zero points are not all 0"
    if weight.scales.dim() > 0 and weight.axis % weight.codes.dim() != 0:
        return (
            f"weight {node.name} has scales along dimension {weight.axis}, accepted the output channels (0)"
        )
    return weight


def constant_bias(ctx: Lowering, node: Any) -> torch.Tensor | str | None:
    """The float bias, None where there is none, or the reason."""
    if node is None:
        return None
    bias = ctx.value(node).constant
    return bias if bias is not None else f"bias {node.name} is not a constant"

"""What convolution and linear ask of their weights and biases."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.values import QuantizedWeight, Value
from mobilekernels.passes.shapes import shape_of
from mobilekernels.qparams import QParams
from mobilekernels.sparsity.plan import LayerPlan


@dataclass(frozen=True)
class PackedLayer:
    """A packed weight with what the emitted operator needs beside it."""

    packed: torch.Tensor
    shape: torch.Size  # of the weight's codes
    x_zero_point: int
    after: QParams | None  # of the quantize behind the layer; None: its output stays float
    plan: LayerPlan | None  # for its zeros

    @property
    def family(self) -> str:
        """The kernel family that runs the weight."""
        from mobilekernels.packing import read_header

        return read_header(self.packed).family


def pack_layer(
    ctx: Lowering,
    node: fx.Node,
    x: Value,
    weight: Any,
    bias: Any,
    pack: Callable[..., torch.Tensor],
    groups: int = 1,
) -> PackedLayer | str:
    """Packs a layer whose input `x` is quantized, or says why it cannot be packed.

    `pack` is called as pack(codes, bias, scales, x_scale, x_zero_point, out_scale, block=...).
    """
    quantized, real_bias = symmetric_weight(ctx, weight), constant_bias(ctx, bias)
    if isinstance(quantized, str):
        return quantized
    if isinstance(real_bias, str):
        return real_bias
    assert x.qparams is not None
    after = ctx.quantize_after(node)
    out_scale, grid = after.scale if after else 1.0, x.qparams
    plan = plan_of(ctx, node, quantized.codes, groups)
    block = None if plan is None else plan.block
    try:
        packed = pack(
            quantized.codes, real_bias, quantized.scales, grid.scale, grid.zero_point, out_scale, block=block
        )
    except ValueError as error:
        return str(error)
    return PackedLayer(packed, quantized.codes.shape, grid.zero_point, after, plan)


def plan_of(ctx: Lowering, node: fx.Node, weight: torch.Tensor, groups: int) -> LayerPlan | None:
    """What becomes of the zeros of a layer's weight, int8 codes or float32."""
    shape = shape_of(node)
    if ctx.planner is None or shape is None or not weight.numel():
        return None
    image = weight.dim() == 4
    pixels = math.prod(shape) // weight.shape[0] if image else math.prod(shape[:-1])
    return ctx.planner.plan(weight, groups, pixels)


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

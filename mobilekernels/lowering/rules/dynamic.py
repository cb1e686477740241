"""Linear whose activations are quantized while the model runs: `linear_dynamic`."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.contiguous import contiguous
from mobilekernels.lowering.rules.weights import constant_bias, plan_of, symmetric_weight
from mobilekernels.lowering.values import Value
from mobilekernels.passes import canonical_ops
from mobilekernels.passes.shapes import shape_of

aten = torch.ops.aten
ours = torch.ops.mobilekernels


def is_dynamic_grid(node: Any) -> TypeGuard[fx.Node]:
    return isinstance(node, fx.Node) and node.target is canonical_ops.dynamic_grid


@rule(canonical_ops.dynamic_grid)
def lower_dynamic_grid(ctx: Lowering, node: fx.Node) -> Result | str:
    """Linear layers read what is in front of it; for those that cannot, it is left as it was."""
    if any(user.target is not aten.linear.default for user in node.users):
        return "only linear has a kernel for activations that are quantized while the model runs"
    numbers = ctx.float32(ctx.value(node.args[0]))
    return Result(Value(shape_of(node), float32=ctx.emit(node.target, numbers, *node.args[1:])), "")


def lower_linear_dynamic(ctx: Lowering, node: fx.Node, grid: fx.Node, weight: Any, bias: Any) -> Result | str:
    """The Result of a linear layer behind `grid`, or why it cannot be one of int8 products."""
    from mobilekernels.packing import pack_linear_dynamic, read_header

    quantized, real_bias = symmetric_weight(ctx, weight), constant_bias(ctx, bias)
    if isinstance(quantized, str):
        return quantized
    if isinstance(real_bias, str):
        return real_bias
    plan = plan_of(ctx, node, quantized.codes, 1)
    try:
        packed = pack_linear_dynamic(quantized.codes, quantized.scales, None if plan is None else plan.block)
    except ValueError as error:
        return str(error)
    features = quantized.codes.shape[0]
    added = torch.zeros(features) if real_bias is None else real_bias.float().contiguous()
    weights, biases = ctx.buffer(f"{node.name}_packed", packed), ctx.buffer(f"{node.name}_bias", added)
    x, quant_min, quant_max, eps = grid.args
    out = ctx.emit(
        ours.linear_dynamic.default,
        contiguous(ctx, x),
        weights,
        biases,
        features,
        False,
        False,
        quant_min,
        quant_max,
        eps,
    )
    out.meta["canonical_name"] = node.name
    family = read_header(packed).family
    return Result(Value(shape_of(node), float32=out), family, packed.numel(), plan)

"""What convolution and linear do in float: skip the zeros of a pruned weight, where that pays.

The operators are `conv2d_f32` and `linear_f32`; a clamp right behind the layer becomes theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Declined, Result
from mobilekernels.lowering.rules.contiguous import contiguous
from mobilekernels.lowering.rules.weights import constant_bias, plan_of
from mobilekernels.lowering.values import Value
from mobilekernels.passes.fold_activation import clamp_bounds
from mobilekernels.passes.qdq import sole_user
from mobilekernels.passes.shapes import shape_of
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.plan import LayerPlan


@dataclass(frozen=True)
class Sparse:
    """A layer whose zeros are worth skipping."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    block: Block
    plan: LayerPlan


def sparse_layer(
    ctx: Lowering, node: fx.Node, weight: Any, bias: Any, groups: int, reason: str
) -> Sparse | Declined | str:
    """The layer, if its weight is a float32 constant that is to run sparse; else `reason`, which is why it
    is not an int8 one, with what there is to tell of its zeros.
    """
    numbers, bias_or_reason = ctx.value(weight).constant, constant_bias(ctx, bias)
    if numbers is None or numbers.dtype != torch.float32 or isinstance(bias_or_reason, str):
        return reason
    plan = plan_of(ctx, node, numbers, groups)
    if plan is None:
        return reason
    if plan.block is None:
        return Declined(reason, plan)
    return Sparse(numbers, bias_or_reason, plan.block, plan)


def finish(
    ctx: Lowering, node: fx.Node, target: Any, x: Any, packed: torch.Tensor, *settings: Any
) -> fx.Node:
    """Emits the operator, with the bounds of the clamps behind `node` that nothing else reads before them."""
    low, high = -math.inf, math.inf
    clamps = []
    after = sole_user(node)
    while after is not None and (bounds := clamp_bounds(after)) is not None:
        least, most = (
            -math.inf if bounds[0] is None else bounds[0],
            math.inf if bounds[1] is None else bounds[1],
        )
        if least > most:
            break
        # The later clamp has the last word.
        low, high = min(max(low, least), most), max(min(high, most), least)
        clamps.append(after)
        after = sole_user(after)
    weights = ctx.buffer(f"{node.name}_packed", packed)
    out = ctx.emit(target, contiguous(ctx, x), weights, *settings, float(low), float(high))
    out.meta["canonical_name"] = node.name
    for clamp in clamps:
        ctx.absorb(clamp, Value(shape_of(clamp), float32=out), node.name)
    return out


def result(node: fx.Node, out: fx.Node, packed: torch.Tensor, plan: LayerPlan) -> Result:
    """What a rule gives for the emitted operator."""
    return Result(Value(shape_of(node), float32=out), "spgemm_f32", packed.numel(), plan)

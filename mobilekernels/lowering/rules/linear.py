"""Linear: int8 in, int8 out where a quantize follows, else float32 out."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Result, rule
from mobilekernels.lowering.rules.weights import pack_layer
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes.shapes import shape_of

aten = torch.ops.aten
ours = torch.ops.mobilekernels


@rule(aten.linear.default)
def lower_linear(ctx: Lowering, node: fx.Node) -> Result | str:
    from mobilekernels.packing import pack_linear

    x, weight, bias_node = (*node.args, None)[:3]
    input_ = ctx.quantized(x)
    if isinstance(input_, str):
        return input_
    layer = pack_layer(ctx, node, input_, weight, bias_node, pack_linear)
    if isinstance(layer, str):
        return layer
    packed, after, x_zero_point = layer.packed, layer.after, layer.x_zero_point
    family, plan = layer.family, layer.plan
    features = layer.shape[0]
    weights = ctx.buffer(f"{node.name}_packed", packed)
    codes = ctx.int8(input_, Layout.PLAIN)
    if after is None:
        out = ctx.emit(ours.linear_float.default, codes, weights, features, x_zero_point)
        return Result(Value(shape_of(node), float32=out), family, packed.numel(), plan)
    out = ctx.emit(
        ours.linear.default, codes, weights, features, x_zero_point, after.zero_point, after.low, after.high
    )
    return ctx.result(out, Layout.PLAIN, after, family, packed.numel(), of=node, plan=plan)

"""Linear: int8 in, int8 out where a quantize follows, else float32 out; on floats by dynamic or zeros_f32."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Declined, Result, rule
from mobilekernels.lowering.rules import zeros_f32
from mobilekernels.lowering.rules.dynamic import is_dynamic_grid, lower_linear_dynamic
from mobilekernels.lowering.rules.weights import pack_layer
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes.shapes import shape_of

aten = torch.ops.aten
ours = torch.ops.mobilekernels


@rule(aten.linear.default)
def lower_linear(ctx: Lowering, node: fx.Node) -> Result | Declined | str:
    from mobilekernels.packing import pack_linear

    x, weight, bias_node = (*node.args, None)[:3]
    if is_dynamic_grid(x):
        result = lower_linear_dynamic(ctx, node, x, weight, bias_node)
        return _in_float(ctx, node, x, weight, bias_node, result) if isinstance(result, str) else result
    input_ = ctx.quantized(x)
    if isinstance(input_, str):
        return _in_float(ctx, node, x, weight, bias_node, input_)
    layer = pack_layer(ctx, node, input_, weight, bias_node, pack_linear)
    if isinstance(layer, str):
        return _in_float(ctx, node, x, weight, bias_node, layer)
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


def _in_float(
    ctx: Lowering, node: fx.Node, x: Any, weight: Any, bias: Any, reason: str
) -> Result | Declined | str:
    from mobilekernels.packing import pack_linear_f32

    if not isinstance(x, fx.Node):
        return reason
    layer = zeros_f32.sparse_layer(ctx, node, weight, bias, 1, reason)
    if not isinstance(layer, zeros_f32.Sparse):
        return layer
    try:
        packed = pack_linear_f32(layer.weight, layer.bias, layer.block)
    except ValueError as error:
        return str(error)
    out = zeros_f32.finish(ctx, node, ours.linear_f32.default, x, packed, layer.weight.shape[0])
    return zeros_f32.result(node, out, packed, layer.plan)

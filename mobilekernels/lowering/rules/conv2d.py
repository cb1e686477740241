"""2-D convolution: int8 in, int8 out where a quantize follows, else float32 out; on floats by zeros_f32."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import Lowering
from mobilekernels.lowering.registry import Declined, Result, rule
from mobilekernels.lowering.rules import zeros_f32
from mobilekernels.lowering.rules.weights import pack_layer
from mobilekernels.lowering.values import Layout, Value
from mobilekernels.passes import canonical_ops
from mobilekernels.passes.shapes import shape_of

ours = torch.ops.mobilekernels


@rule(canonical_ops.conv2d)
def lower_conv2d(ctx: Lowering, node: fx.Node) -> Result | Declined | str:
    from mobilekernels.packing import pack_conv2d

    args: tuple[Any, ...] = node.args
    x, weight, bias_node, stride, padding, dilation, groups = args
    input_ = ctx.quantized(x)
    if isinstance(input_, str):
        return _in_float(ctx, node, input_)
    if not input_.is_image:
        return f"input has shape {input_.shape}, accepted [N, C, H, W]"
    pack = partial(pack_conv2d, groups=groups)
    layer = pack_layer(ctx, node, input_, weight, bias_node, pack, groups)
    if isinstance(layer, str):
        return _in_float(ctx, node, layer)
    packed, after, family = layer.packed, layer.after, layer.family
    channels, _, *kernel = layer.shape
    weights = ctx.buffer(f"{node.name}_packed", packed)
    window: tuple[Any, ...] = (
        channels,
        kernel,
        list(stride),
        list(padding),
        list(dilation),
        groups,
        layer.x_zero_point,
    )
    codes = ctx.int8(input_, Layout.NHWC)
    if after is None:
        nhwc = ctx.emit(ours.conv2d_float.default, codes, weights, *window)
        # The logical shape over NHWC memory (channels_last): no copy.
        nchw = ctx.emit(torch.ops.aten.permute.default, nhwc, [0, 3, 1, 2])
        return Result(Value(shape_of(node), float32=nchw), family, packed.numel(), layer.plan)
    out = ctx.emit(ours.conv2d.default, codes, weights, *window, after.zero_point, after.low, after.high)
    return ctx.result(out, Layout.NHWC, after, family, packed.numel(), of=node, plan=layer.plan)


def _in_float(ctx: Lowering, node: fx.Node, reason: str) -> Result | Declined | str:
    from mobilekernels.packing import pack_conv2d_f32

    args: tuple[Any, ...] = node.args
    x, weight, bias, stride, padding, dilation, groups = args
    if not isinstance(x, fx.Node) or not ctx.value(x).is_image:
        return reason
    layer = zeros_f32.sparse_layer(ctx, node, weight, bias, groups, reason)
    if not isinstance(layer, zeros_f32.Sparse):
        return layer
    try:
        packed = pack_conv2d_f32(layer.weight, layer.bias, groups, layer.block)
    except ValueError as error:
        return str(error)
    channels, _, *kernel = layer.weight.shape
    window = (channels, kernel, list(stride), list(padding), list(dilation), groups)
    out = zeros_f32.finish(ctx, node, ours.conv2d_f32.default, x, packed, *window)
    return zeros_f32.result(node, out, packed, layer.plan)

"""BatchNorm on quantized images, where no convolution took it: a depthwise 1x1 convolution.

x * alpha + beta has the weight code 127 or -127 and the scale |alpha| / 127 in each channel, so the numbers
are the same up to the rounding of float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.grid import grid_of
from mobilekernels.passes.qdq import add_constant, constant, is_constant
from mobilekernels.passes.shapes import set_shape, shape_of

_LARGEST = 127


def rewrite_batch_norms(module: fx.GraphModule) -> None:
    """Rewrites aten.batch_norm in evaluation mode of [N, C, H, W] on a grid. Needs example shapes."""
    graph = module.graph
    for node in list(graph.nodes):
        if not _applies(node):
            continue
        alpha, beta = affine(module, node)
        with graph.inserting_before(node):
            weight = _weight(module, node, alpha)
            bias = graph.get_attr(add_constant(module, f"{node.name}_bias", beta.to(torch.float32)))
            settings = ((1, 1), (0, 0, 0, 0), (1, 1), alpha.numel())
            conv = graph.call_function(canonical_ops.conv2d, (node.args[0], weight, bias, *settings))
        conv.meta = dict(node.meta)
        node.replace_all_uses_with(conv)
        graph.erase_node(node)
    graph.eliminate_dead_code()


def _applies(node: fx.Node) -> bool:
    if node.target is not torch.ops.aten.batch_norm.default or len(shape_of(node) or ()) != 4:
        return False
    _, weight, bias, mean, variance, training, *_ = node.args
    optional = all(p is None or is_constant(p) for p in (weight, bias))
    return optional and is_constant(mean) and is_constant(variance) and not training and _on_grid(node)


def _on_grid(node: fx.Node) -> bool:
    return grid_of(node.args[0]) is not None


def affine(module: fx.GraphModule, node: fx.Node) -> tuple[torch.Tensor, torch.Tensor]:
    """(alpha, beta) of an aten.batch_norm in evaluation mode whose parameters are constants, in float64."""
    args: tuple[Any, ...] = node.args
    weight, bias, mean, variance = (
        None if a is None else constant(module, a).to(torch.float64) for a in args[1:5]
    )
    assert mean is not None
    assert variance is not None
    alpha = torch.rsqrt(variance + args[7])
    alpha = alpha if weight is None else alpha * weight
    beta = -mean * alpha
    return alpha, beta if bias is None else beta + bias


def _weight(module: fx.GraphModule, node: fx.Node, alpha: torch.Tensor) -> fx.Node:
    graph = module.graph
    codes = (alpha.sign() * _LARGEST).to(torch.int8).reshape(-1, 1, 1, 1)
    # A channel that is switched off has no weights, and any scale will do.
    scales = torch.where(alpha == 0, torch.ones_like(alpha), alpha.abs() / _LARGEST)
    constants = {"codes": codes, "scales": scales, "zeros": torch.zeros(alpha.numel(), dtype=torch.int64)}
    nodes = [graph.get_attr(add_constant(module, f"{node.name}_{k}", v)) for k, v in constants.items()]
    target = torch.ops.quantized_decomposed.dequantize_per_channel.default
    weight = graph.call_function(target, (*nodes, 0, -_LARGEST, _LARGEST, torch.int8))
    set_shape(weight, tuple(codes.shape))
    return weight

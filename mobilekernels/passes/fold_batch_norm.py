"""Batch norm in evaluation mode behind a float convolution or linear layer becomes part of its weight.

A channel is multiplied by one number, so zeros stay zeros; results change by roundings of float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes.batch_norm import affine
from mobilekernels.passes.qdq import add_constant, constant, is_constant, sole_user

aten = torch.ops.aten
_LAYERS = (aten.conv2d.default, aten.conv2d.padding, aten.linear.default)


def fold_batch_norms(module: fx.GraphModule) -> None:
    """Folds every aten.batch_norm whose parameters and whose layer's are constants, in place."""
    graph = module.graph
    for node in list(graph.nodes):
        layer = node.args[0] if node.target is aten.batch_norm.default else None
        if layer is None or not _foldable(node, layer):
            continue
        alpha, beta = affine(module, node)
        x, weight, bias, *rest = (*layer.args, None)[: max(len(layer.args), 3)]
        numbers = constant(module, weight)
        scaled = numbers.double() * alpha.reshape(-1, *[1] * (numbers.dim() - 1))
        shift = beta if bias is None else beta + constant(module, bias).double() * alpha
        with graph.inserting_before(layer):
            folded = [
                graph.get_attr(add_constant(module, f"{layer.name}_folded_{name}", value.to(numbers.dtype)))
                for name, value in (("weight", scaled), ("bias", shift))
            ]
        layer.args = (x, *folded, *rest)
        node.replace_all_uses_with(layer)
        graph.erase_node(node)
    graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()


def _foldable(node: fx.Node, layer: Any) -> bool:
    if not isinstance(layer, fx.Node) or layer.target not in _LAYERS or sole_user(layer) is not node:
        return False
    _, weight, bias, mean, variance, training, *_ = node.args
    _, own_weight, *own_bias = layer.args
    optional = all(p is None or is_constant(p) for p in (weight, bias, *own_bias[:1]))
    return (
        optional
        and "bias" not in layer.kwargs
        and all(is_constant(p) for p in (mean, variance, own_weight))
        and not training
    )

"""Weights quantized in the graph (convert_pt2e(fold_quantize=False)) become int8 constants."""

from __future__ import annotations

import torch
from torch import fx

from mobilekernels.passes.qdq import add_constant, constant, is_constant


def fold_quantized_constants(module: fx.GraphModule) -> None:
    """Evaluates quantize_per_tensor / quantize_per_channel nodes whose tensors are all constants."""
    graph = module.graph
    for node in list(graph.nodes):
        target = node.target
        if not isinstance(target, torch._ops.OpOverload):
            continue
        if not target._schema.name.startswith("quantized_decomposed::quantize_per"):
            continue
        if not all(is_constant(n) for n in node.all_input_nodes):
            continue
        args = fx.map_arg(node.args, lambda n: constant(module, n))
        name = add_constant(module, f"{node.name}_codes", target(*args, **node.kwargs))
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(name))
        graph.erase_node(node)
    graph.eliminate_dead_code()

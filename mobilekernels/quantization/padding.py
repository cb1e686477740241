"""One spelling for zero padding: ``aten.pad`` becomes ``aten.constant_pad_nd``."""

from __future__ import annotations

from torch.fx import GraphModule

from mobilekernels.quantization.operators import aten, is_zero_pad


def spell_padding(model: GraphModule) -> int:
    """Replace every zero ``aten.pad`` of the graph, in place; returns how many there were."""
    replaced = 0
    for node in model.graph.nodes:
        if node.target is aten.pad.default and is_zero_pad(node):
            node.target = aten.constant_pad_nd.default
            node.args = (node.args[0], node.args[1], 0.0)
            node.kwargs = {}
            replaced += 1
    model.recompile()
    return replaced

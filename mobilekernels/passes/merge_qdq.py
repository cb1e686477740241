"""Quantize / dequantize nodes that repeat each other: one is enough."""

from __future__ import annotations

from typing import Any

from torch import fx

from mobilekernels.passes.grid import grid_of
from mobilekernels.passes.qdq import is_dequantize, is_quantize, qparams_of


def merge_qdq(module: fx.GraphModule) -> None:
    """Merges equal nodes, and drops a q-dq pair, or a dq-q pair, whose values are on that grid already.

    All exact: dequantize(quantize(v)) is v, bit for bit, where v is a number of the same grid.
    """
    graph = module.graph
    seen: dict[Any, fx.Node] = {}
    for node in list(graph.nodes):
        if not (is_quantize(node) or is_dequantize(node)):
            continue
        replacement = seen.setdefault((node.target, node.args), node)
        if replacement is node:
            replacement = _already_on_grid(node)
        if replacement is not node:
            node.replace_all_uses_with(replacement)
            graph.erase_node(node)
            seen = {key: kept for key, kept in seen.items() if kept is not node}
    graph.eliminate_dead_code()


def _already_on_grid(node: fx.Node) -> fx.Node:
    source = node.args[0]
    if is_dequantize(node) and is_quantize(source):
        inner = source.args[0]
        grid = grid_of(inner)
        if grid is not None and qparams_of(source).covers(grid) and qparams_of(node).same_grid(grid):
            assert isinstance(inner, fx.Node)
            return inner
    if is_quantize(node) and is_dequantize(source):
        grid, codes = grid_of(source), source.args[0]
        if grid is not None and qparams_of(node).covers(grid) and isinstance(codes, fx.Node):
            return codes
    return node

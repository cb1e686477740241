"""A convolution and the add that alone reads its result: one operator, the same bytes."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes.qdq import is_constant, sole_user

ours = torch.ops.mobilekernels


def fuse_residual_adds(module: fx.GraphModule) -> dict[str, str]:
    """Rewrites add(conv2d(x), r) as conv2d_add, in place, where shapes are equal.

    Gives the names of the convolutions fused, by the name of the add (both as in the canonical graph).
    """
    graph = module.graph
    fused: dict[str, str] = {}
    for add in list(graph.nodes):
        match = _match(add)
        if match is None:
            continue
        conv, residual, conv_grid, residual_grid, output = match
        with graph.inserting_before(add):
            args = _arguments(conv, residual, conv_grid, residual_grid, output)
            node = graph.call_function(ours.conv2d_add.default, args)
        node.meta = dict(add.meta)
        add.replace_all_uses_with(node)
        fused[add.meta["canonical_name"]] = conv.meta["canonical_name"]
        graph.erase_node(add)
        graph.erase_node(conv)
    module.recompile()
    return fused


def _match(add: fx.Node) -> Any:
    if add.target is not ours.add.default:
        return None
    a, b, *settings = add.args
    a_grid, b_grid, output = settings[0:2], settings[2:4], settings[4:]
    # Of two convolutions the later one is fused: the earlier is its residual.
    if _fusible(b, a, add):
        return b, a, b_grid, a_grid, output
    if _fusible(a, b, add):
        return a, b, a_grid, b_grid, output
    return None


def _fusible(conv: Any, residual: Any, add: fx.Node) -> bool:
    if not (isinstance(conv, fx.Node) and conv.target is ours.conv2d.default and sole_user(conv) is add):
        return False
    if conv is residual or is_constant(residual):
        return False
    shapes = [n.meta.get("logical_shape") for n in (conv, residual)]
    return shapes[0] is not None and shapes[0] == shapes[1]


def _arguments(
    conv: fx.Node, residual: fx.Node, conv_grid: Any, residual_grid: Any, output: Any
) -> tuple[Any, ...]:
    x, packed, *window, _, low, high = conv.args
    return (x, packed, residual, *window, *conv_grid, low, high, *residual_grid, *output)

"""Activations that are quantized while the model runs: PT2E's five nodes for that become one."""

from __future__ import annotations

import operator
from typing import Any, TypeGuard

import torch
from torch import fx

from mobilekernels.passes import canonical_ops

# How much lower int8 codes are.
_OFFSET = {torch.int8: 0, torch.uint8: 128}
# What `linear_dynamic` takes.
_EPS = (2.0**-100, 2.0**100)
_FEWEST_STEPS = 15


def recognise_dynamic_grids(module: fx.GraphModule) -> None:
    """Rewrites choose_qparams (one scale and zero point for all of `x`), quantize and dequantize as
    `canonical_ops.dynamic_grid`; uint8 codes become int8 ones, 128 lower.
    """
    graph = module.graph
    for node in list(graph.nodes):
        settings = _settings(node)
        if settings is None:
            continue
        with graph.inserting_before(node):
            grid = graph.call_function(canonical_ops.dynamic_grid, settings)
        node.replace_all_uses_with(grid)
    graph.eliminate_dead_code()


def _settings(dequantize: fx.Node) -> tuple[Any, ...] | None:
    """The arguments of the `dynamic_grid` that a dequantize ends, if it ends one."""
    if not _is(dequantize, "dequantize_per_tensor"):
        return None
    arguments: Any = dequantize.args
    quantize, *parameters = arguments
    if not _is(quantize, "quantize_per_tensor") or list(quantize.args[1:]) != parameters:
        return None
    scale, zero_point, low, high, dtype = parameters
    choose = _source(scale, 0)
    if choose is None or choose is not _source(zero_point, 1) or not _is(choose, "choose_qparams"):
        return None
    choice: Any = choose.args
    x, *chosen, eps, chosen_dtype = choice
    if x is not quantize.args[0] or [*chosen, chosen_dtype] != [low, high, dtype] or dtype not in _OFFSET:
        return None
    if dequantize.kwargs.get("out_dtype") not in (None, torch.float32):
        return None
    if high - low < _FEWEST_STEPS or not _EPS[0] <= eps <= _EPS[1]:
        return None
    return (x, low - _OFFSET[dtype], high - _OFFSET[dtype], eps)


def _source(node: Any, item: int) -> fx.Node | None:
    """What `node` is the `item` of."""
    if not isinstance(node, fx.Node) or node.target is not operator.getitem or node.args[1] != item:
        return None
    source = node.args[0]
    return source if isinstance(source, fx.Node) else None


def _is(node: Any, name: str) -> TypeGuard[fx.Node]:
    packet = getattr(torch.ops.quantized_decomposed, name, None)
    return isinstance(node, fx.Node) and packet is not None and node.target is packet.tensor

"""Which float values of a canonical graph are exactly numbers of an int8 grid.

What a dequantize gives is on its grid; operators that only move or pick values keep it there.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

from mobilekernels.passes.qdq import is_dequantize, is_quantize, qparams_of
from mobilekernels.qparams import QParams

aten = torch.ops.aten

# Operators of one tensor that only rearrange its values.
MOVES: frozenset[Any] = frozenset(
    {
        aten.reshape.default, aten.view.default, aten.flatten.using_ints, aten.unflatten.int,
        aten.permute.default, aten.transpose.int, aten.t.default, aten.squeeze.default, aten.squeeze.dim,
        aten.squeeze.dims, aten.unsqueeze.default, aten.slice.Tensor, aten.select.int, aten.expand.default,
        aten.repeat.default, aten.narrow.default, aten.chunk.default, aten.split.Tensor, aten.split.sizes,
        aten.split_with_sizes.default, aten.unbind.int, aten.channel_shuffle.default,
        aten.pixel_shuffle.default, aten.pixel_unshuffle.default, aten.flip.default, aten.roll.default,
        aten.contiguous.default, aten.clone.default, operator.getitem,
    }
)  # fmt: skip


def grid_of(node: Any) -> QParams | None:
    """The grid a value is on (with the range its codes can have), or None."""
    if not isinstance(node, fx.Node):
        return None
    if is_dequantize(node):
        params, codes = qparams_of(node), node.args[0]
        if is_quantize(codes) and qparams_of(codes).same_grid(params):
            return qparams_of(codes)
        return QParams(params.scale, params.zero_point)
    if node.op != "call_function":
        return None
    if node.target in MOVES or node.target is aten.max_pool2d.default:
        return grid_of(node.args[0])
    if node.target is aten.constant_pad_nd.default and (len(node.args) < 3 or node.args[2] == 0):
        params_or_none = grid_of(node.args[0])
        return None if params_or_none is None else with_zero(params_or_none)
    if node.target is aten.cat.default:
        return common_grid([grid_of(x) for x in node.args[0]])  # type: ignore[union-attr]
    return None


def with_zero(params: QParams) -> QParams:
    """The grid after padding with zero, whose code may lie outside a clamped range."""
    low, high = min(params.low, params.zero_point), max(params.high, params.zero_point)
    return QParams(params.scale, params.zero_point, low, high)


def common_grid(grids: list[QParams | None]) -> QParams | None:
    """The grid that all of them share, with the range of all their codes; None if they differ."""
    known = [g for g in grids if g is not None]
    if not known or len(known) < len(grids) or not all(g.same_grid(known[0]) for g in known):
        return None
    return QParams(known[0].scale, known[0].zero_point, min(g.low for g in known), max(g.high for g in known))

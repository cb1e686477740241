"""Zero padding before a convolution becomes the convolution's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.qdq import dequantize, is_dequantize, is_quantize, qparams_of, quantize

_PAD = torch.ops.aten.constant_pad_nd.default


def fold_padding(module: fx.GraphModule) -> None:
    """Folds constant_pad_nd(x, ..., 0) into convolutions that read it, through a q-dq pair too.

    Padding with zero and quantizing commute, since zero is a number of every grid.
    """
    graph = module.graph
    for node in list(graph.nodes):
        if is_dequantize(node):
            _move_behind_quantize(graph, node)
    for node in graph.nodes:
        if node.target is not canonical_ops.conv2d:
            continue
        sides = _zero_padding(node.args[0])
        if sides is not None:
            x, weight, bias, stride, padding, dilation, groups = node.args
            total = tuple(a + b for a, b in zip(padding, sides, strict=True))
            node.args = (x.args[0], weight, bias, stride, total, dilation, groups)
    graph.eliminate_dead_code()


def _move_behind_quantize(graph: fx.Graph, node: fx.Node) -> None:
    codes = node.args[0]
    if not is_quantize(codes) or _zero_padding(codes.args[0]) is None:
        return
    params = qparams_of(codes)
    readers_are_convolutions = all(u.target is canonical_ops.conv2d and u.args[0] is node for u in node.users)
    if not readers_are_convolutions or not params.low <= params.zero_point <= params.high:
        return
    pad: Any = codes.args[0]
    with graph.inserting_before(node):
        unpadded = dequantize(graph, quantize(graph, pad.args[0], params), qparams_of(node))
        node.replace_all_uses_with(graph.call_function(_PAD, (unpadded, *pad.args[1:])))


def _zero_padding(node: Any) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of a zero padding of an image's last two dimensions."""
    if not isinstance(node, fx.Node) or node.target is not _PAD:
        return None
    pad: Any = node.args[1]
    value = node.args[2] if len(node.args) > 2 else node.kwargs.get("value", 0)
    if value != 0 or len(pad) not in (2, 4) or not all(isinstance(p, int) and p >= 0 for p in pad):
        return None
    left, right, top, bottom = (*pad, 0, 0)[:4]
    return (top, bottom, left, right)

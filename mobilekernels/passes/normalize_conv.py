"""Every spelling of a 2-D convolution becomes `canonical_ops.conv2d`, with four explicit paddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.qdq import constant, is_constant

aten = torch.ops.aten


def normalize_convolutions(module: fx.GraphModule) -> None:
    """Rewrites aten.conv2d (padding as numbers, 'same' or 'valid') and aten.convolution of images."""
    for node in module.graph.nodes:
        args = _arguments(module, node)
        if args is not None:
            node.target, node.args, node.kwargs = canonical_ops.conv2d, args, {}


def _arguments(module: fx.GraphModule, node: fx.Node) -> tuple[Any, ...] | None:
    if node.target in (aten.conv2d.default, aten.conv2d.padding):
        x, weight, bias, stride, padding, dilation, groups = _filled(node, (None, 1, 0, 1, 1))
    elif node.target is aten.convolution.default:
        x, weight, bias, stride, padding, dilation, transposed, _, groups = node.args
        if transposed or len(stride) != 2:  # type: ignore[arg-type]
            return None
    else:
        return None
    dilation_pair = _pair(dilation)
    if isinstance(padding, str):
        kernel = _kernel_size(module, weight)
        if kernel is None:
            return None
        four = _string_padding(padding, kernel, dilation_pair)
    else:
        height, width = _pair(padding)
        four = (height, height, width, width)
    return (x, weight, bias, _pair(stride), four, dilation_pair, groups)


def _filled(node: fx.Node, defaults: tuple[Any, ...]) -> tuple[Any, ...]:
    names = ("bias", "stride", "padding", "dilation", "groups")
    given = list(node.args[2:])
    rest = [node.kwargs.get(n, d) for n, d in list(zip(names, defaults, strict=True))[len(given) :]]
    return (*node.args[:2], *given, *rest)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return (value, value)
    return (value[0], value[0]) if len(value) == 1 else (value[0], value[1])


def _kernel_size(module: fx.GraphModule, weight: fx.Node) -> tuple[int, int] | None:
    """Of a constant weight, dequantized or not."""
    source: Any = weight if is_constant(weight) else weight.args[0]
    if not is_constant(source):
        return None
    height, width = constant(module, source).shape[2:]
    return (height, width)


def _string_padding(
    padding: str, kernel: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    if padding == "valid":
        return (0, 0, 0, 0)
    (top, bottom), (left, right) = (_same(k, d) for k, d in zip(kernel, dilation, strict=True))
    return (top, bottom, left, right)


def _same(kernel: int, dilation: int) -> tuple[int, int]:
    """As torch does it: the odd one out goes to the end."""
    total = dilation * (kernel - 1)
    return (total // 2, total - total // 2)

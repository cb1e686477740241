"""float32 convolution and linear by block-sparse weights: `conv2d_f32`, `linear_f32`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mobilekernels.ops import _fake
from mobilekernels.ops._call import call


@_fake.register("conv2d_f32")
def _(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    out_min: float,
    out_max: float,
) -> Tensor:
    op = "conv2d_f32"
    _fake.check_dtype(op, "x", x, torch.float32)
    _fake.check_rank(op, "x", x, 4, "[N, C, H, W]")
    _fake.check_packed(op, packed)
    _fake.check_window(op, kernel_size, stride, padding, dilation)
    n, _, h, w = x.shape
    sizes = _fake.window_positions(op, (h, w), kernel_size, stride, padding, dilation)
    return _fake.empty(x, [n, out_channels, *sizes], torch.float32)


@_fake.register("linear_f32")
def _(x: Tensor, packed: Tensor, out_features: int, out_min: float, out_max: float) -> Tensor:
    shape = _fake.linear_shape("linear_f32", x, torch.float32, packed, out_features)
    return _fake.empty(x, shape, torch.float32)


def conv2d_f32(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    out_min: float = -math.inf,
    out_max: float = math.inf,
) -> Tensor:
    """Convolution, clamped: float32 [N, C, H, W] -> float32 [N, out_channels, H', W'], both contiguous.

    ``packed`` comes from `mobilekernels.packing.pack_conv2d_f32`; ``padding`` is (top, bottom, left, right),
    the other windows are (height, width). Each output is its bias and then fused multiply-adds over the
    blocks in their order, so its bytes are the same on every instruction set. Blocks that are left out are
    not multiplied: an infinity or a NaN that only they would meet does not show.

    Raises as `conv2d`; a tensor in channels_last is a ValueError, for a copy would be hidden.
    """
    return call(
        torch.ops.mobilekernels.conv2d_f32.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        out_min,
        out_max,
    )


def linear_f32(
    x: Tensor, packed: Tensor, out_features: int, out_min: float = -math.inf, out_max: float = math.inf
) -> Tensor:
    """Linear, clamped: float32 [..., in_features] -> float32 [..., out_features], both contiguous.

    ``packed`` comes from `mobilekernels.packing.pack_linear_f32`. The arithmetic and errors are those of
    `conv2d_f32`.
    """
    return call(
        torch.ops.mobilekernels.linear_f32.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_features,
        out_min,
        out_max,
    )

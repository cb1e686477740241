"""int8 convolution of NHWC images: `conv2d`, `conv2d_add`, `conv2d_float`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call


def _output_shape(
    op: str,
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    _fake.check_image(op, "x", x)
    _fake.check_packed(op, packed)
    _fake.check_window(op, kernel_size, stride, padding, dilation)
    n, h, w, _ = x.shape
    sizes = _fake.window_positions(op, (h, w), kernel_size, stride, padding, dilation)
    return [n, *sizes, out_channels]


@_fake.register("conv2d")
def _(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Tensor:
    shape = _output_shape("conv2d", x, packed, out_channels, kernel_size, stride, padding, dilation)
    return _fake.empty(x, shape, torch.int8)


@_fake.register("conv2d_add")
def _(
    x: Tensor,
    packed: Tensor,
    residual: Tensor,
    out_channels: int,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    x_zero_point: int,
    conv_scale: float,
    conv_zero_point: int,
    conv_min: int,
    conv_max: int,
    residual_scale: float,
    residual_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Tensor:
    op = "conv2d_add"
    shape = _output_shape(op, x, packed, out_channels, kernel_size, stride, padding, dilation)
    _fake.check_image(op, "residual", residual)
    if any(a != b for a, b in zip(residual.shape, shape, strict=True)):
        raise bad_argument(
            ValueError, op, "residual", f"shape {_fake.shape_text(residual)}", f"the output's, {shape}"
        )
    return _fake.empty(x, shape, torch.int8)


@_fake.register("conv2d_float")
def _(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    x_zero_point: int,
) -> Tensor:
    shape = _output_shape("conv2d_float", x, packed, out_channels, kernel_size, stride, padding, dilation)
    return _fake.empty(x, shape, torch.float32)


def conv2d(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """Convolution, requantized and clamped: int8 [N, H, W, C] -> int8 [N, H', W', out_channels].

    ``packed`` comes from `mobilekernels.packing.pack_conv2d`; ``padding`` is (top, bottom, left, right),
    the other windows are (height, width). Raises ValueError where shapes, zero points or the packed weight
    do not fit together, TypeError for another dtype, FormatError for a damaged packed weight,
    NotImplementedError off the CPU.
    """
    return call(
        torch.ops.mobilekernels.conv2d.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        x_zero_point,
        out_zero_point,
        out_min,
        out_max,
    )


def conv2d_add(
    x: Tensor,
    packed: Tensor,
    residual: Tensor,
    out_channels: int,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
    conv_scale: float,
    conv_zero_point: int,
    conv_min: int,
    conv_max: int,
    residual_scale: float,
    residual_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """`conv2d` to (conv_scale, conv_zero_point), then `add` of ``residual``: the same bytes, one pass over
    memory.

    ``residual`` is int8 of the output's shape. Raises as `conv2d`.
    """
    return call(
        torch.ops.mobilekernels.conv2d_add.default,
        {"x": x, "packed": packed, "residual": residual},
        x,
        packed,
        residual,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        x_zero_point,
        conv_scale,
        conv_zero_point,
        conv_min,
        conv_max,
        residual_scale,
        residual_zero_point,
        out_scale,
        out_zero_point,
        out_min,
        out_max,
    )


def conv2d_float(
    x: Tensor,
    packed: Tensor,
    out_channels: int,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
) -> Tensor:
    """Convolution left in float: int8 [N, H, W, C] -> float32 [N, H', W', out_channels].

    ``packed`` must have been packed with ``out_scale=1.0``. Raises as `conv2d`.
    """
    return call(
        torch.ops.mobilekernels.conv2d_float.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        x_zero_point,
    )

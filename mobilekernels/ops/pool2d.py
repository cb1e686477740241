"""int8 pooling of NHWC images: `max_pool2d`, `avg_pool2d`, `adaptive_avg_pool2d`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call


def _extent(
    size: int, before: int, after: int, kernel: int, stride: int, dilation: int, ceil_mode: bool
) -> int:
    """As torch: with ceil_mode a last window may overhang, but must not start past the image."""
    spare = size + before + after - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return spare // stride + 1
    count = -(-spare // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def _output_shape(
    op: str,
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> list[int]:
    _fake.check_image(op, "x", x)
    _fake.check_window(op, kernel_size, stride, padding, dilation)
    for side, extent in enumerate((0, 0, 1, 1)):
        window = dilation[extent] * (kernel_size[extent] - 1) + 1
        if padding[side] >= window:
            raise bad_argument(
                ValueError, op, f"padding[{side}]", padding[side], f"less than the window of {window}"
            )
    n, h, w, c = x.shape
    out_h = _extent(h, padding[0], padding[1], kernel_size[0], stride[0], dilation[0], ceil_mode)
    out_w = _extent(w, padding[2], padding[3], kernel_size[1], stride[1], dilation[1], ceil_mode)
    if out_h < 1 or out_w < 1:
        raise bad_argument(
            ValueError,
            op,
            "x",
            f"an image of ({h}, {w})",
            "one that, padded, is no smaller than the dilated window",
        )
    return [n, out_h, out_w, c]


@_fake.register("max_pool2d")
def _(
    x: Tensor,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    ceil_mode: bool,
) -> Tensor:
    shape = _output_shape("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    return _fake.empty(x, shape, torch.int8)


@_fake.register("avg_pool2d")
def _(
    x: Tensor, kernel_size: list[int], stride: list[int], padding: list[int], ceil_mode: bool, *arguments: Any
) -> Tensor:
    shape = _output_shape("avg_pool2d", x, kernel_size, stride, padding, (1, 1), ceil_mode)
    return _fake.empty(x, shape, torch.int8)


@_fake.register("adaptive_avg_pool2d")
def _(x: Tensor, output_size: list[int], *arguments: Any) -> Tensor:
    op = "adaptive_avg_pool2d"
    _fake.check_image(op, "x", x)
    _fake.check_length(op, "output_size", output_size, 2, "(height, width)")
    if output_size[0] < 1 or output_size[1] < 1:
        raise bad_argument(ValueError, op, "output_size", list(output_size), "at least 1")
    return _fake.empty(x, (x.shape[0], *output_size, x.shape[3]), torch.int8)


def max_pool2d(
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> Tensor:
    """int8 [N, H, W, C] -> int8 [N, H', W', C]; ``padding`` is (top, bottom, left, right) and never wins.

    Raises ValueError where the window does not fit, TypeError for another dtype, NotImplementedError off
    the CPU.
    """
    arguments = (kernel_size, stride, padding, dilation, ceil_mode)
    return call(torch.ops.mobilekernels.max_pool2d.default, {"x": x}, x, *arguments)


def avg_pool2d(
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int,
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """int8 [N, H, W, C] -> int8 [N, H', W', C]; ``divisor_override`` 0 means none. Raises as `max_pool2d`."""
    arguments = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    parameters = (x_scale, x_zero_point, out_scale, out_zero_point, out_min, out_max)
    return call(torch.ops.mobilekernels.avg_pool2d.default, {"x": x}, x, *arguments, *parameters)


def adaptive_avg_pool2d(
    x: Tensor,
    output_size: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """int8 [N, H, W, C] -> int8 [N, *output_size, C]; (1, 1) is the spatial mean. Raises as `max_pool2d`."""
    parameters = (x_scale, x_zero_point, out_scale, out_zero_point, out_min, out_max)
    return call(torch.ops.mobilekernels.adaptive_avg_pool2d.default, {"x": x}, x, output_size, *parameters)

"""`quantize`, `dequantize`, their NCHW forms, and `lut`."""

from __future__ import annotations

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call

_TABLE_SIZE = 256


@_fake.register("quantize")
def _(x: Tensor, scale: float, zero_point: int) -> Tensor:
    _fake.check_dtype("quantize", "x", x, torch.float32)
    return _fake.empty(x, x.shape, torch.int8)


@_fake.register("quantize_nhwc")
def _(x: Tensor, scale: float, zero_point: int) -> Tensor:
    _fake.check_dtype("quantize_nhwc", "x", x, torch.float32)
    _fake.check_rank("quantize_nhwc", "x", x, 4, "[N, C, H, W]")
    n, c, h, w = x.shape
    return _fake.empty(x, (n, h, w, c), torch.int8)


@_fake.register("dequantize")
def _(x: Tensor, scale: float, zero_point: int) -> Tensor:
    _fake.check_dtype("dequantize", "x", x, torch.int8)
    return _fake.empty(x, x.shape, torch.float32)


@_fake.register("dequantize_nchw")
def _(x: Tensor, scale: float, zero_point: int) -> Tensor:
    _fake.check_image("dequantize_nchw", "x", x)
    n, h, w, c = x.shape
    return _fake.empty(x, (n, c, h, w), torch.float32)


@_fake.register("lut")
def _(x: Tensor, table: Tensor) -> Tensor:
    _fake.check_dtype("lut", "x", x, torch.int8)
    _fake.check_dtype("lut", "table", table, torch.int8)
    if table.dim() != 1 or table.shape[0] != _TABLE_SIZE:
        raise bad_argument(ValueError, "lut", "table", f"shape {_fake.shape_text(table)}", f"[{_TABLE_SIZE}]")
    return _fake.empty(x, x.shape, torch.int8)


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """float32, contiguous, any shape -> int8 of the same shape; NaN becomes -128.

    Raises ValueError for a scale that is not finite and positive or a zero point outside [-128, 127],
    TypeError for another dtype, NotImplementedError off the CPU.
    """
    return call(torch.ops.mobilekernels.quantize.default, {"x": x}, x, scale, zero_point)


def quantize_nhwc(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """float32 [N, C, H, W] of any strides -> int8 [N, H, W, C]. Raises as `quantize`."""
    return call(torch.ops.mobilekernels.quantize_nhwc.default, {"x": x}, x, scale, zero_point)


def dequantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """int8, contiguous, any shape -> float32 of the same shape. Raises as `quantize`."""
    return call(torch.ops.mobilekernels.dequantize.default, {"x": x}, x, scale, zero_point)


def dequantize_nchw(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """int8 [N, H, W, C] -> float32 [N, C, H, W], contiguous. Raises as `quantize`."""
    return call(torch.ops.mobilekernels.dequantize_nchw.default, {"x": x}, x, scale, zero_point)


def lut(x: Tensor, table: Tensor) -> Tensor:
    """int8, any shape -> int8 of the same shape: table[x + 128], table int8 [256]. Raises as `quantize`."""
    return call(torch.ops.mobilekernels.lut.default, {"x": x, "table": table}, x, table)

"""Operators of the canonical graph that ATen lacks. They run with PyTorch alone, like the rest of it."""

from __future__ import annotations

from typing import Any

import torch

Pair = tuple[int, int]


def conv2d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Pair,
    padding: tuple[int, int, int, int],
    dilation: Pair,
    groups: int,
) -> torch.Tensor:
    """Float convolution of [N, C, H, W] with zero padding (top, bottom, left, right)."""
    aten: Any = torch.ops.aten
    top, bottom, left, right = padding
    symmetric = top == bottom and left == right
    if not symmetric:
        x = aten.constant_pad_nd.default(x, (left, right, top, bottom), 0.0)
    own = (top, left) if symmetric else (0, 0)
    result: torch.Tensor = aten.conv2d.default(x, weight, bias, stride, own, dilation, groups)
    return result


def dynamic_grid(x: torch.Tensor, quant_min: int, quant_max: int, eps: float) -> torch.Tensor:
    """`x` rounded to the int8 grid that its own smallest and largest values choose: what PT2E's
    choose_qparams, quantize_per_tensor and dequantize_per_tensor make of it.
    """
    library: Any = torch.ops.quantized_decomposed
    codes = (quant_min, quant_max, torch.int8)
    scale, zero_point = library.choose_qparams.tensor(x, quant_min, quant_max, eps, torch.int8)
    q = library.quantize_per_tensor.tensor(x, scale, zero_point, *codes)
    result: torch.Tensor = library.dequantize_per_tensor.tensor(q, scale, zero_point, *codes)
    return result


def lut(codes: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """table[codes + 128]: int8 of any shape through an int8 table of 256 entries."""
    return table[codes.to(torch.int64) + 128]

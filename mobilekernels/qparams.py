"""Affine int8 quantization parameters and the exact arithmetic on them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

INT8_MIN, INT8_MAX = -128, 127


@dataclass(frozen=True)
class QParams:
    """`real = scale * (code - zero_point)`, with codes in [low, high].

    Raises ValueError where the scale is not finite and positive, or the codes leave int8.
    """

    scale: float
    zero_point: int
    low: int = INT8_MIN
    high: int = INT8_MAX

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale: given {self.scale}, accepted a finite number > 0")
        if not INT8_MIN <= self.zero_point <= INT8_MAX:
            raise ValueError(f"zero_point: given {self.zero_point}, accepted [{INT8_MIN}, {INT8_MAX}]")
        if not INT8_MIN <= self.low <= self.high <= INT8_MAX:
            raise ValueError(f"code range: given [{self.low}, {self.high}], accepted within [-128, 127]")

    def same_grid(self, other: QParams) -> bool:
        """Whether equal codes mean equal numbers."""
        return self.scale == other.scale and self.zero_point == other.zero_point

    def covers(self, other: QParams) -> bool:
        """Whether quantizing with self leaves every number that `other` can represent as it is."""
        return self.same_grid(other) and self.low <= other.low and other.high <= self.high

    def clamped(self, low: int, high: int) -> QParams:
        """The same grid with the codes clamped into [low, high] as well."""
        new_low = min(max(low, self.low), self.high)
        return replace(self, low=new_low, high=max(min(high, self.high), new_low))

    def quantize(self, x: torch.Tensor) -> torch.Tensor:
        """Codes (int8, shape of x) of float32 numbers, computed as quantized_decomposed computes them."""
        codes = torch.round(x * (1.0 / self.scale)) + self.zero_point
        return torch.clamp(codes, self.low, self.high).to(torch.int8)

    def dequantize(self, codes: torch.Tensor) -> torch.Tensor:
        """Numbers (float32, shape of codes) of int8 codes, computed as quantized_decomposed computes them."""
        return (codes.to(torch.float32) - self.zero_point) * self.scale

    def code_of(self, number: float) -> int:
        """The code of one number."""
        return int(self.quantize(torch.tensor(number, dtype=torch.float32)))


def all_codes() -> torch.Tensor:
    """Every int8 code, in the order of a look-up table (entry `code + 128`)."""
    return torch.arange(INT8_MIN, INT8_MAX + 1, dtype=torch.int16).to(torch.int8)

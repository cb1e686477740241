"""What was counted of one operator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One run of a layer on an emulated CPU.

    Attributes:
        engine: "ours" or a stock engine.
        kernel: the ISA of our kernel, or the stock engine's function with the most instructions.
        macs: the layer's multiply-adds, without any padding.
        parts: instructions by part of the operator, or by library.
        call: of these, what any call costs the engine: taken off.
        left_out: instructions of the interpreter and its bindings, in none of the parts.
    """

    layer: str
    cpu: str
    engine: str
    kernel: str
    macs: int
    parts: dict[str, int]
    call: int = 0
    left_out: int = 0

    @property
    def instructions(self) -> int:
        return sum(self.parts.values()) - self.call

    @property
    def per_mac(self) -> float:
        return self.instructions / self.macs


def geometric_mean(values: Iterable[float]) -> float:
    """Of at least one positive value."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))

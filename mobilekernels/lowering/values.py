"""What a value of the canonical graph is in the lowered one: its forms, made on demand and once each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from torch import fx

from mobilekernels.qparams import QParams


class Layout(Enum):
    """How an int8 value lies in memory."""

    NHWC = "NHWC"  # an image, [N, H, W, C] in its shape
    PLAIN = "plain"  # the logical shape


@dataclass(frozen=True)
class QuantizedWeight:
    """An int8 constant with its scales (float64: [channels] along `axis`, or one) and zero points."""

    codes: torch.Tensor
    scales: torch.Tensor
    zero_points: torch.Tensor
    axis: int


@dataclass
class Value:
    """One value: int8 codes on a grid, floats, or both.

    Attributes:
        shape: the logical shape on the example inputs; None for what is no tensor.
        qparams: the grid, if the value has int8 forms.
        codes: whether the value *is* the codes (a quantize) and not the numbers they stand for.
        int8: nodes by layout; shared by a quantize and the dequantizes that read it.
        float32: the node of the numbers, in logical shape.
        items: the values of a list (chunk, split).
        weight, constant: what is known when converting.
    """

    shape: tuple[int, ...] | None = None
    qparams: QParams | None = None
    codes: bool = False
    int8: dict[Layout, fx.Node] = field(default_factory=dict)
    float32: Any = None
    items: list[Value] | None = None
    weight: QuantizedWeight | None = None
    constant: torch.Tensor | None = None

    @property
    def is_image(self) -> bool:
        return self.shape is not None and len(self.shape) == 4

    def as_numbers(self, qparams: QParams) -> Value:
        """The numbers that these codes stand for; the int8 forms are shared."""
        return Value(self.shape, qparams, False, self.int8)

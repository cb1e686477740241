"""Small converted networks, with what is ours and what is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.converted import ConvertedModel


class Residual(nn.Module):
    """Convolutions, a residual add, pooling, a linear layer: all ours."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv2d(16, 16, 1)
        self.last = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = x + self.pointwise(torch.relu(self.depthwise(x)))
        return self.last(x.mean((2, 3)))


class Partly(nn.Module):
    """Behind a convolution a softmax, which XNNPACK takes, a cumulative sum, which it does not, and ours."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 4, 3, padding=1)
        self.third = nn.Conv2d(8, 4, 1)
        self.fourth = nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = torch.relu(self.first(x))
        # The batch as a number: what a tracer may take for a constant.
        summed = self.third(torch.cumsum(x, -1)).reshape(x.shape[0] * 4, -1)
        return self.second(torch.softmax(x, -1)), summed, self.fourth(x)


def converted(network: nn.Module, *shape: int) -> tuple[ConvertedModel, torch.Tensor]:
    """The network on our kernels, and an input of it."""
    pytest.importorskip("torchao", reason="quantization")
    x = torch.randn(*shape)
    quantized: Any = mk.quantize(network.eval(), [x, torch.randn(*shape)], progress=False)
    return mk.convert(quantized, x)[0], x

"""A network with something to prune that a test can afford: `tests.bench_sparse.tiny:network`."""

from __future__ import annotations

import torch
from torch import nn


def network() -> nn.Module:
    """The same at every call."""
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, 1, 1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 16, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip

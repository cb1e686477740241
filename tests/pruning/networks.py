"""Small networks with every kind of layer that pruning treats differently."""

from __future__ import annotations

import torch
from torch import nn


def network() -> nn.Sequential:
    """First, grouped, depthwise, odd-sized and last layers; 2, 4, 8 and 11 are pruned unless asked."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 24, 3, padding=1, groups=2),  # 12 channels a group
        nn.BatchNorm2d(24),
        nn.Conv2d(24, 24, 3, padding=1, groups=24),
        nn.ReLU(),
        nn.Conv2d(24, 22, 1),  # 22 is no multiple of 4
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(22, 18),
        nn.ReLU(),
        nn.Linear(18, 5),
    )


PRUNABLE = ("2", "4", "8", "11")


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, seed: int = 0) -> None:
    """Steps on random images; every weight gets a gradient."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        inputs = torch.randn(4, 3, 6, 6, generator=generator)
        model(inputs).square().sum().backward()
        optimizer.step()


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)

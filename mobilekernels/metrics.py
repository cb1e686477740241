"""How close two sets of outputs are."""

from __future__ import annotations

import math

import torch


def sqnr(reference: torch.Tensor, outputs: torch.Tensor) -> float:
    """Signal to quantization noise, in dB: 10 log10(sum(reference**2) / sum((reference - outputs)**2)).

    Infinite where both are equal; NaN where an output is NaN.
    """
    signal = reference.double().square().sum()
    noise = (reference.double() - outputs.double()).square().sum()
    if noise == 0:
        return math.inf
    if signal == 0:
        return -math.inf
    return float(10 * torch.log10(signal / noise))


def cosine(reference: torch.Tensor, outputs: torch.Tensor) -> float:
    """Cosine of the angle between the two, each taken as one long vector."""
    a, b = reference.double().flatten(), outputs.double().flatten()
    norms = a.norm() * b.norm()
    return float(a.dot(b) / norms) if norms > 0 else math.nan


def agreement(reference: torch.Tensor, outputs: torch.Tensor) -> float:
    """Share of rows [N, classes] with the same largest entry."""
    return float((reference.argmax(-1) == outputs.argmax(-1)).double().mean())


def accuracy(outputs: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of rows [N, classes] whose largest entry is the label [N]."""
    return float((outputs.argmax(-1) == labels).double().mean())

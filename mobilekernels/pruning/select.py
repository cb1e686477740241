"""Which blocks go: those of the least magnitude, in each layer or in all together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

SCOPES = ("global", "layer")

# With scope "global" each layer keeps at least this share of the density asked for: magnitudes of layers do
# not compare where batch norm rescales them, and a layer without any weight cuts the network in two.
_LEAST_SHARE = 0.25


def choose_kept(
    scores: Mapping[str, torch.Tensor], sizes: Mapping[str, torch.Tensor], sparsity: float, scope: str
) -> dict[str, torch.Tensor]:
    """True for the blocks that stay.

    The zeroed elements come as near to ``sparsity`` times all elements as whole blocks allow.

    Args:
        scores: of each layer's blocks, in any shape; the least go first, on a tie the one that comes first.
        sizes: elements of each block, in the same shapes.
        sparsity: of the elements, in each layer or over all.
        scope: "layer" or "global".
    """
    if scope == "layer":
        return {name: _kept(score, sizes[name], sparsity) for name, score in scores.items()}
    shielded = [_shield(score, sparsity).flatten() for score in scores.values()]
    flat_sizes = [sizes[name].flatten() for name in scores]
    kept = _kept(torch.cat(shielded), torch.cat(flat_sizes), sparsity)
    parts = kept.split([score.numel() for score in scores.values()])
    return {name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)}


def _kept(scores: torch.Tensor, sizes: torch.Tensor, sparsity: float) -> torch.Tensor:
    flat, counts = scores.flatten(), sizes.flatten()
    order = torch.argsort(flat, stable=True)
    zeroed = torch.cat([counts.new_zeros(1), counts[order].cumsum(0)])
    number = int((zeroed - sparsity * int(zeroed[-1])).abs().argmin())
    kept = torch.ones_like(flat, dtype=torch.bool)
    kept[order[:number]] = False
    return kept.reshape(scores.shape)


def _shield(scores: torch.Tensor, sparsity: float) -> torch.Tensor:
    """A layer's best blocks out of reach."""
    least = math.ceil(_LEAST_SHARE * (1 - sparsity) * scores.numel())
    best = torch.argsort(scores.flatten(), descending=True, stable=True)[:least]
    shielded = scores.flatten().clone()
    shielded[best] = math.inf
    return shielded.reshape(scores.shape)

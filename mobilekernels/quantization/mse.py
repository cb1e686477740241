"""The clipping range that minimises the squared error of 8-bit quantization, from a histogram.

A value inside the range [lo, hi] is rounded to the nearest of the codes, which costs scale**2 / 12 on
average; a value outside is moved to the range's end. Exact zeros cost nothing: zero is always a code. The sum
of the two is found for every pair of candidates at once from the histogram's cumulated moments.
"""

from __future__ import annotations

import torch

# Candidates a side. The loss is flat around its minimum: more of them cost time and change nothing.
CANDIDATES = 512


def best_range(counts: torch.Tensor, low: float, high: float, levels: int = 256) -> tuple[float, float]:
    """The pair (lo, hi) of candidates, lo <= 0 <= hi, of least expected squared error.

    The candidates are edges of the histogram's bins, evenly thinned to at most ``CANDIDATES`` a side, 0 and
    both ends.

    Args:
        counts: float64 [bins], how many values other than exact zeros fell into each of the equal bins.
        low, high: the histogram's ends; 0 is an edge of its bins.
        levels: number of codes.
    """
    if counts.dim() != 1 or counts.numel() == 0:
        raise ValueError(
            f"counts: given shape {tuple(counts.shape)}; accepted is one dimension, at least one bin"
        )
    if not low <= 0.0 <= high:
        raise ValueError(f"low, high: given {low}, {high}; accepted is a range that includes 0")
    if high == low or counts.sum() == 0:
        return low, high
    losses, lows, highs = range_losses(counts.double(), low, high, levels)
    best = int(losses.argmin())
    row, column = divmod(best, highs.numel())
    return float(lows[row]), float(highs[column])


def range_losses(
    counts: torch.Tensor, low: float, high: float, levels: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Expected squared error float64 [lows, highs] of each candidate range, and the candidates."""
    edges = torch.linspace(low, high, counts.numel() + 1, dtype=torch.float64)
    centers = (edges[:-1] + edges[1:]) / 2
    lows = _candidates(edges, edges <= 0.0, low)
    highs = _candidates(edges, edges >= 0.0, high)
    below = _tail_losses(counts.flip(0), centers.flip(0), lows.flip(0), lower=True).flip(0)
    above = _tail_losses(counts, centers, highs, lower=False)
    cumulated = torch.cat((torch.zeros(1, dtype=torch.float64), counts.cumsum(0)))
    below_count = cumulated[torch.searchsorted(centers, lows)]
    upto_count = cumulated[torch.searchsorted(centers, highs)]
    inside = (upto_count[None, :] - below_count[:, None]).clamp_min(0.0)
    scale = (highs[None, :] - lows[:, None]) / (levels - 1)
    losses = inside * scale.square() / 12 + below[:, None] + above[None, :]
    # An empty range is no range.
    losses = torch.where(scale > 0, losses, torch.inf)
    return losses, lows, highs


def _candidates(edges: torch.Tensor, mask: torch.Tensor, end: float) -> torch.Tensor:
    found = edges[mask]
    step = -(-found.numel() // CANDIDATES) if found.numel() else 1
    values = torch.cat((found[::step], torch.tensor([0.0, end], dtype=torch.float64)))
    distinct: torch.Tensor = values.unique()
    return distinct


def _tail_losses(
    counts: torch.Tensor, centers: torch.Tensor, limits: torch.Tensor, lower: bool
) -> torch.Tensor:
    """Sum of counts * (center - limit)**2 over the centers beyond each limit."""
    sign = -1.0 if lower else 1.0
    centers, limits = sign * centers, sign * limits
    zero = torch.zeros(1, dtype=torch.float64)
    moments = [torch.cat((zero, (counts * centers**power).cumsum(0))) for power in range(3)]
    beyond = torch.searchsorted(centers, limits, right=True)
    n, first, second = (moment[-1] - moment[beyond] for moment in moments)
    losses: torch.Tensor = second - 2 * limits * first + limits.square() * n
    return losses.clamp_min(0.0)

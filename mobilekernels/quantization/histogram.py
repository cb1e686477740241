"""A histogram whose range grows without losing a count: bins of equal width, anchored at zero."""

from __future__ import annotations

import math

import torch

BINS_A_SIDE = 2048


class GrowingHistogram:
    """Counts of the values seen, other than exact zeros.

    The bins lie between -n * width and +n * width. Where a value falls outside, the width doubles and pairs
    of bins are merged, which is exact because zero is an edge. Exact zeros are left out: a quantizer holds
    them exactly.
    """

    def __init__(self, bins_a_side: int = BINS_A_SIDE) -> None:
        if bins_a_side < 2 or bins_a_side % 2:
            raise ValueError(f"bins_a_side: given {bins_a_side}; accepted is an even number from 2 on")
        self.side = bins_a_side
        self.counts = torch.zeros(2 * bins_a_side, dtype=torch.float64)
        self.width = 0.0
        self.low = 0.0
        self.high = 0.0

    @property
    def limit(self) -> float:
        """The histogram's range is [-limit, limit]."""
        return self.width * self.side

    def add(self, values: torch.Tensor) -> None:
        """Count the values of a finite float tensor of any shape."""
        if values.numel() == 0:
            return
        low, high = (float(end) for end in torch.aminmax(values))
        self.low, self.high = min(self.low, low), max(self.high, high)
        largest = max(-low, high)
        if largest == 0.0:
            return
        self._grow(largest)
        counts = torch.histc(values.float(), bins=2 * self.side, min=-self.limit, max=self.limit).double()
        # histc puts a zero into the bin that begins there.
        counts[self.side] -= float((values == 0).sum())
        self.counts += counts

    def _grow(self, largest: float) -> None:
        if self.width == 0.0:
            # A power of two keeps every later edge exact in float32. Half a bin of room takes histc's
            # rounding.
            self.width = 2.0 ** math.ceil(math.log2(largest * (1 + 1e-6) / self.side))
        while self.limit < largest * (1 + 1e-6):
            self.width *= 2.0
            merged = self.counts.view(-1, 2).sum(1)
            self.counts = torch.zeros_like(self.counts)
            self.counts[self.side // 2 : self.side // 2 + self.side] = merged

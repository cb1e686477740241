"""The observers of activations: int8, affine, one range a tensor."""

from __future__ import annotations

import torch
from torchao.quantization.pt2e.observer import HistogramObserver, MinMaxObserver

from mobilekernels.quantization.histogram import GrowingHistogram
from mobilekernels.quantization.mse import best_range

# Below this a range counts as zero. Stock observers stop at 1e-7, which flattens layers with small
# activations.
_SMALLEST_SCALE = 2.0**-100


def affine_qparams(low: float, high: float, quant_min: int, quant_max: int) -> tuple[float, int]:
    """Scale and zero point for the range [low, high], widened to include 0.

    A range of nothing but zero takes scale 1: any scale holds it, and this one keeps products of scales
        harmless.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (quant_max - quant_min)
    if scale < _SMALLEST_SCALE:
        return 1.0, 0
    zero_point = quant_min - round(low / scale)
    return scale, max(quant_min, min(quant_max, zero_point))


class _SafeQParams:
    """Overrides how torchao's observers turn a range into quantization parameters."""

    quant_min: int
    quant_max: int

    def _calculate_qparams(
        self, min_val: torch.Tensor, max_val: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = float(min_val), float(max_val)
        if low > high:  # nothing was observed
            low = high = 0.0
        scale, zero_point = affine_qparams(low, high, self.quant_min, self.quant_max)
        return torch.tensor([scale]), torch.tensor([zero_point])


class SafeMinMaxObserver(_SafeQParams, MinMaxObserver):  # type: ignore[misc]
    """The extremes of all the values seen."""


class SafeHistogramObserver(_SafeQParams, HistogramObserver):  # type: ignore[misc]
    """torchao's approximate L2 search over a histogram."""


class MseObserver(_SafeQParams, MinMaxObserver):  # type: ignore[misc]
    """The clipping range of least squared error over a histogram of all the values seen."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.seen = GrowingHistogram()
        self.range: tuple[float, float] | None = None  # PT2E asks several times

    def forward(self, x_orig: torch.Tensor) -> torch.Tensor:
        """Observe a float tensor of any shape; returns it untouched."""
        super().forward(x_orig)
        self.seen.add(x_orig.detach())
        self.range = None
        return x_orig

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale float32 [1] and zero point int64 [1]."""
        if self.range is None:
            seen = self.seen
            low, high = best_range(
                seen.counts, -seen.limit, seen.limit, levels=self.quant_max - self.quant_min + 1
            )
            self.range = max(low, seen.low), min(high, seen.high)
        low, high = self.range
        return self._calculate_qparams(torch.tensor(low), torch.tensor(high))


OBSERVERS: dict[str, type[torch.nn.Module]] = {
    "histogram": SafeHistogramObserver,
    "minmax": SafeMinMaxObserver,
    "mse": MseObserver,
}

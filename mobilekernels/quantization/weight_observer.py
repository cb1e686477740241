"""The observer of weights: per output channel, symmetric, safe for channels that hold only zeros."""

from __future__ import annotations

import torch
from torchao.quantization.pt2e.observer import PerChannelMinMaxObserver

# A channel this much weaker than the strongest of its layer is invisible in the layer's 8-bit output; a
# smaller scale would only make its int32 bias overflow.
_WEAKEST = 2.0**-16


class PerChannelWeightObserver(PerChannelMinMaxObserver):  # type: ignore[misc]  # torchao has no types
    """Largest absolute value per channel, with scales that are always positive, finite and of sane size."""

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Scales float32 [channels] and zero points int64 [channels], all 0."""
        return weight_scales(torch.maximum(-self.min_val, self.max_val), self.quant_max)


def weight_scales(largest: torch.Tensor, quant_max: int = 127) -> tuple[torch.Tensor, torch.Tensor]:
    """Scales and zero points for channels whose largest absolute values are given.

    All-zero channels, and those weaker than 2**-16 of the strongest, take a scale from the strongest channel:
    any scale holds zeros, and this one leaves the bias well inside int32.
    """
    if not torch.isfinite(largest).all():
        raise ValueError("model: a weight holds NaN or infinity")
    scale = (largest.double() / quant_max).clamp_min(0.0)
    strongest = scale.max() if scale.numel() else torch.tensor(0.0)
    if strongest < torch.finfo(torch.float32).tiny:
        scale = torch.ones_like(scale)
    else:
        scale = torch.where(largest > 0, scale.clamp_min(strongest * _WEAKEST), strongest)
    return scale.float(), torch.zeros_like(scale, dtype=torch.int64)

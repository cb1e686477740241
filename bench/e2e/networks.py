"""Networks with random weights that behave like trained ones, and data for them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mobilekernels.models import load_model

NETWORKS = (
    "mobilenet_v2",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "resnet18",
    "resnet50",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
)
QUICK_NETWORKS = ("mobilenet_v2", "resnet18")


def settled_network(name: str, size: int) -> nn.Module:
    """A network of torchvision by its name, or ``module:function``; in eval mode, the same at every call.

    Random weights alone let activations die out or blow up over fifty layers, and an int8 network of zeros is
    no fair load (a table look-up of one value, a denormal in a float engine).
    """
    model = load_model(name if ":" in name else f"torchvision:{name}").module
    settle(model, images(size, count=3, seed=1, batch=4))
    return model


def settle(model: nn.Module, batches: Sequence[torch.Tensor]) -> None:
    """Set the statistics of every batch norm, in place, to the mean of those that the batches have there."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    # Only these in train mode: dropped paths would change what later layers see.
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
        norm.train()
    with torch.no_grad():
        for batch in batches:
            model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def images(size: int, count: int, seed: int, batch: int = 1) -> list[torch.Tensor]:
    """``count`` tensors [batch, 3, size, size], normally distributed."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 3, size, size, generator=generator) for _ in range(count)]

"""torch.export with a dynamic batch, however the model's forward spells its parameters."""

from __future__ import annotations

import torch
from torch import nn


def export_dynamic(
    model: nn.Module, inputs: tuple[torch.Tensor, ...], most: int | None = None
) -> torch.export.ExportedProgram:
    """Export with the first dimension of every input dynamic and equal, from 1 to `most` (None: any).

    Inputs of batch 1 are doubled for the trace, as torch.export takes sizes 0 and 1 for constants.

    Raises whatever torch.export raises for a model that forbids it.
    """
    batch = torch.export.Dim("batch", max=most)
    traced = tuple(_at_least_two(tensor) for tensor in inputs)
    # Keyed by tensor, not by parameter: forward(*inputs) and forward(x) are the same to it.
    shapes = torch.export.ShapesCollection()
    for tensor in traced:
        if tensor.dim():
            shapes[tensor] = {0: batch}
    with torch.no_grad():
        return torch.export.export(model, traced, dynamic_shapes=shapes)


def _at_least_two(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dim() == 0:
        return tensor
    # Always a tensor of its own: two inputs may be one and the same.
    return torch.cat((tensor, tensor)) if tensor.shape[0] == 1 else tensor.clone()

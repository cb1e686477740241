"""Weights in their plain order, whatever memory format the float model had."""

from __future__ import annotations

from torch import nn


def make_contiguous(module: nn.Module) -> None:
    """Give parameters and buffers of other strides contiguous copies; who shares them keeps the old ones.

    A model in channels_last has such weights, and `torch.export.save` warns about each.
    """
    for owner in module.modules():
        for name, parameter in list(owner.named_parameters(recurse=False)):
            if not parameter.is_contiguous():
                plain = nn.Parameter(parameter.detach().contiguous(), requires_grad=parameter.requires_grad)
                setattr(owner, name, plain)
        for name, buffer in list(owner.named_buffers(recurse=False)):
            if not buffer.is_contiguous():
                setattr(owner, name, buffer.contiguous())

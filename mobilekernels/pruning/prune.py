"""Pruning by magnitude, at once or along a schedule."""

from __future__ import annotations

from typing import overload

from torch import nn

from mobilekernels.pruning.blocks import Block
from mobilekernels.pruning.fold import fold_masks
from mobilekernels.pruning.layers import Skip
from mobilekernels.pruning.pruner import Pruner
from mobilekernels.pruning.schedule import CubicSchedule


@overload
def prune(
    model: nn.Module,
    sparsity: float,
    block: Block = ...,
    scope: str = ...,
    *,
    skip: Skip = ...,
    schedule: None = ...,
    skip_first: bool = ...,
    skip_last: bool = ...,
    progress: bool = ...,
) -> nn.Module: ...


@overload
def prune(
    model: nn.Module,
    sparsity: float,
    block: Block = ...,
    scope: str = ...,
    *,
    skip: Skip = ...,
    schedule: CubicSchedule,
    skip_first: bool = ...,
    skip_last: bool = ...,
    progress: bool = ...,
) -> Pruner: ...


def prune(
    model: nn.Module,
    sparsity: float,
    block: Block = (4, 4),
    scope: str = "global",
    *,
    skip: Skip = (),
    schedule: CubicSchedule | None = None,
    skip_first: bool = True,
    skip_last: bool = True,
    progress: bool = True,
) -> nn.Module | Pruner:
    """Set the weakest blocks of a model's weights to zero.

    Blocks are judged by their L2 norm (mean square). Convolutions and linear layers are pruned, except
    depthwise ones, the first, and the last; `Pruner.report` and `sparsity_report` tell the layers, their
    zeros and why one is dense.

    Args:
        model: a float module.
        sparsity: share of zeros to reach in the layers that are pruned, from 0 to below 1.
        block: (4, 4) is the fastest to run, (1, 4) kinder to accuracy, (1, 1) has no kernel that gains by it.
        scope: "global" compares blocks of all layers (each keeps at least a quarter of the density asked
            for), "layer" prunes each to the same sparsity.
        skip: what stays dense: a sequence of name patterns (``"head*"``, with all that is inside) and module
            types, or a function of (name, module).
        schedule: prune gradually, while the model is trained.
        skip_first, skip_last: leave the first and the last layer dense (in the order of registration).
        progress: whether to show bars on stderr, where that is a terminal.

    Returns:
        Without a schedule a pruned copy, the model is not changed; `Pruner.of_zeros` holds its zeros through
        fine-tuning. With a schedule a `Pruner` that works on the model in place.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value; the message names it.
    """
    pruned = model if schedule is not None else fold_masks(model)
    pruner = Pruner(
        pruned,
        sparsity,
        block,
        scope,
        skip=skip,
        schedule=schedule,
        skip_first=skip_first,
        skip_last=skip_last,
        progress=progress,
    )
    return pruned if schedule is None else pruner

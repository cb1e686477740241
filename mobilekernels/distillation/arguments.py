"""Checks of what `distill` is given; errors name the argument."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import TypeGuard

import torch
from torch import nn

from mobilekernels.pruning.fold import has_masks
from mobilekernels.pruning.pruner import Pruner

# Of the weights, from which on zeros are no chance: nobody prunes less.
_MANY_ZEROS = 0.1


def check_models(
    student: object, teacher: object, optimizer: object, scheduler: object, pruner: object
) -> None:
    """Everything that is an object must be of its class."""
    _check_class("student", student, nn.Module)
    _check_class("optimizer", optimizer, torch.optim.Optimizer)
    for name, value, kind in (
        ("teacher", teacher, nn.Module),
        ("scheduler", scheduler, torch.optim.lr_scheduler.LRScheduler),
        ("pruner", pruner, Pruner),
    ):
        if value is not None:
            _check_class(name, value, kind, " or None")
    if teacher is student:
        raise ValueError("teacher: given the student itself; accepted is another module")
    assert isinstance(student, nn.Module)
    assert isinstance(optimizer, torch.optim.Optimizer)
    known = {id(parameter) for parameter in student.parameters()}
    if not any(id(parameter) in known for group in optimizer.param_groups for parameter in group["params"]):
        raise ValueError(
            "optimizer: given one that has none of the student's parameters; accepted is one made on "
            "student.parameters() (mobilekernels.prune without a schedule returns a copy of its model)"
        )
    if isinstance(pruner, Pruner) and not pruner.is_of(student):
        raise ValueError("pruner: given one of another model; accepted is one made on the student")


def warn_of_zeros(student: nn.Module, optimizer: torch.optim.Optimizer, pruner: Pruner | None) -> None:
    """Training fills the zeros of a pruned student, unless somebody holds them."""
    # A pruner that is attached, or any other hook of the optimizer, may.
    if pruner is not None or optimizer._optimizer_step_post_hooks or has_masks(student):
        return
    weights = [m.weight.detach() for m in student.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    total = sum(weight.numel() for weight in weights)
    # A layer of nothing but zeros was initialized so.
    zeros = sum(weight.numel() - int(weight.count_nonzero()) for weight in weights if weight.any())
    if zeros > _MANY_ZEROS * total:
        warnings.warn(
            f"student: {zeros / total:.1%} of its weights are zero, and training will fill them; "
            "pruner=mobilekernels.Pruner.of_zeros(student) keeps them",
            UserWarning,
            stacklevel=3,
        )


def warn_of_schedule(pruner: Pruner | None, loader: Iterable[object], epochs: int) -> None:
    """A schedule that training does not reach the end of leaves too few zeros."""
    if pruner is None or pruner.schedule is None:
        return
    try:
        steps = pruner.steps + epochs * len(loader)  # type: ignore[arg-type]
    except TypeError:
        return
    if pruner.schedule.end > steps:
        reached = pruner.schedule.sparsity(steps, pruner.target)
        warnings.warn(
            f"pruner: its schedule ends at step {pruner.schedule.end}, and training at step {steps}; "
            f"the sparsity will be {reached:.3f}, not {pruner.target:.3f}",
            UserWarning,
            stacklevel=3,
        )


def check_numbers(epochs: object, temperature: object, alpha: object, hint_weight: object) -> None:
    """Every number must be in its range."""
    if type(epochs) is not int or epochs < 1:
        raise ValueError(f"epochs: given {epochs!r}; accepted are integers from 1 on")
    if not _is_number(temperature) or not temperature > 0:
        raise ValueError(f"temperature: given {temperature!r}; accepted are numbers above 0")
    if not _is_number(alpha) or not 0 <= alpha <= 1:
        raise ValueError(f"alpha: given {alpha!r}; accepted are numbers from 0 to 1")
    if not _is_number(hint_weight) or hint_weight < 0:
        raise ValueError(f"hint_weight: given {hint_weight!r}; accepted are numbers from 0 on")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_class(name: str, value: object, kind: type, more: str = "") -> None:
    if not isinstance(value, kind):
        package = kind.__module__.partition(".")[0]
        given = type(value).__name__
        raise TypeError(f"{name}: given a {given}; accepted is a {package} {kind.__name__}{more}")

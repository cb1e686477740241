"""Checks of what `distill` is given; errors name the argument."""

from __future__ import annotations

import math
from typing import TypeGuard

import torch
from torch import nn

from mobilekernels.pruning.pruner import Pruner


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

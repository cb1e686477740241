"""Feature hints: inner results of the student predict those of the teacher (FitNets, arXiv:1412.6550)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mobilekernels.distillation.modes import evaluating

Hints = Mapping[str, str] | Sequence[tuple[str, str]]


class HintLoss(nn.Module):
    """Mean squared error between pairs of results, through a regressor where channels differ.

    The regressors, 1x1 convolutions for images [N, C, H, W] and linear layers otherwise, are trained beside
    the student and thrown away.

    Args:
        pairs: names of modules, the student's and the teacher's.
        inputs: of both models, to find the shapes with.

    Raises:
        TypeError, ValueError: a name is unknown, or results do not fit each other; the message names the
            pair.
    """

    def __init__(
        self, pairs: Hints, student: nn.Module, teacher: nn.Module, inputs: tuple[torch.Tensor, ...]
    ) -> None:
        super().__init__()
        self.pairs = check_hints(pairs, student, teacher)
        self._models = (student, teacher)  # in a tuple: they are no part of this module
        device = inputs[0].device
        # In evaluation mode: batch norm must not learn from a run that is there for shapes alone.
        with self.watching(), evaluating(student), evaluating(teacher), torch.no_grad():
            for model in self._models:
                model(*inputs)
            results = self._take()
        # The caller's random numbers are those of a run without regressors, and of one that goes on with
        # saved ones.
        with torch.random.fork_rng(devices=[]):
            regressors = [_regressor(pair, *both) for pair, both in zip(self.pairs, results, strict=True)]
        self.regressors = nn.ModuleList(regressors).to(device)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Results of the pairs' modules are caught inside, for `loss`."""
        self._caught: list[dict[str, torch.Tensor]] = [{}, {}]
        handles = []
        for side, model in enumerate(self._models):
            modules = dict(model.named_modules())
            for pair in self.pairs:
                handles.append(modules[pair[side]].register_forward_hook(self._catch(side, pair[side])))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def forward(self) -> torch.Tensor:
        """The mean over the pairs, of what was caught since the last call."""
        errors = [
            F.mse_loss(regressor(mine), theirs.detach())
            for regressor, (mine, theirs) in zip(self.regressors, self._take(), strict=True)
        ]
        return torch.stack(errors).mean()

    def _catch(self, side: int, name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, torch.Tensor):
                raise TypeError(f"hints: {name!r} returns a {type(output).__name__}; accepted are tensors")
            self._caught[side][name] = output

        return hook

    def _take(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        taken = []
        for mine, theirs in self.pairs:
            for name, caught in zip((mine, theirs), self._caught, strict=True):
                if name not in caught:
                    raise ValueError(
                        f"hints: {name!r} did not run; accepted are modules that every forward runs"
                    )
            taken.append((self._caught[0][mine], self._caught[1][theirs]))
        self._caught[0].clear()
        self._caught[1].clear()
        return taken


def check_hints(pairs: object, student: nn.Module, teacher: nn.Module) -> tuple[tuple[str, str], ...]:
    """The pairs, whose names both models know."""
    items = list(pairs.items()) if isinstance(pairs, Mapping) else pairs
    if isinstance(items, (str, bytes)) or not isinstance(items, Sequence):
        raise TypeError(f"hints: given {pairs!r}; accepted are pairs of module names (student's, teacher's)")
    checked = []
    for pair in items:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(n, str) for n in pair):
            raise TypeError(
                f"hints: given {pair!r} in it; accepted are pairs of module names (student's, teacher's)"
            )
        for name, model, who in zip(pair, (student, teacher), ("student", "teacher"), strict=True):
            known = [key for key, _ in model.named_modules()]
            if name not in known:
                some = ", ".join(known[1:13])
                raise ValueError(
                    f"hints: the {who} has no module {name!r}; accepted are names such as {some} ..."
                )
        checked.append((pair[0], pair[1]))
    return tuple(checked)


def _regressor(pair: tuple[str, str], mine: torch.Tensor, theirs: torch.Tensor) -> nn.Module:
    image = mine.dim() == 4
    channel = 1 if image else -1
    fits = mine.dim() == theirs.dim() and mine.dim() >= 2
    if fits:
        shapes = [list(mine.shape), list(theirs.shape)]
        channels = [shape.pop(channel) for shape in shapes]
        fits = shapes[0] == shapes[1]
    if not fits:
        raise ValueError(
            f"hints: {pair[0]!r} gives {tuple(mine.shape)} and {pair[1]!r} gives {tuple(theirs.shape)}; "
            "accepted are "
            "results that differ in channels alone"
        )
    if channels[0] == channels[1]:
        return nn.Identity()
    return nn.Conv2d(channels[0], channels[1], 1) if image else nn.Linear(channels[0], channels[1])

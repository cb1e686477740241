"""Masks that a training loop takes along."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from mobilekernels.progress import track
from mobilekernels.pruning.blocks import Block, check_block
from mobilekernels.pruning.layers import Layer, Skip, choose_layers
from mobilekernels.pruning.report import SparsityReport, count
from mobilekernels.pruning.schedule import CubicSchedule
from mobilekernels.pruning.select import SCOPES, choose_kept

T = TypeVar("T")

_VERSION = 1


class Pruner:
    """Prunes a model in place while it is trained.

    Weights stay plain parameters: there is no second copy and nothing to take off the module, so the model
    can be evaluated, saved or exported between any two steps. `step()`, called after each step of the
    optimizer, follows the schedule and sets masked weights back to zero, whatever momentum, Adam's moments or
    weight decay did to them; what such state holds for a masked weight is never read again, because a block
    that is gone stays gone.

        pruner = mk.prune(model, 0.8, schedule=mk.CubicSchedule(begin=500, updates=50, every=20))
        for inputs, labels in pruner.track(loader, "Training"):  # a bar that tells the sparsity
            ...
            optimizer.step()
            pruner.step()
        print(pruner.finish())

    `attach(optimizer)` calls `step()` by itself instead; `state_dict()` is what a resumed run needs.

    Args:
        model: a float module with plain weights; it is changed.
        sparsity: share of zeros to reach in the layers that are pruned, from 0 to below 1.
        block: output by input channels: (4, 4), (1, 4) or (1, 1).
        scope: "global" compares blocks of all layers (each keeps at least a quarter of the density asked
            for), "layer" prunes each to the same sparsity.
        skip: what stays dense: a sequence of name patterns and module types, or a function of (name, module).
        schedule: None prunes at once, here and now.
        skip_first, skip_last: leave the first and the last layer dense (in the order of registration).
        progress: whether to show a bar on stderr, where that is a terminal, while blocks are judged at once.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value; the message names it.
    """

    def __init__(
        self,
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
    ) -> None:
        self.target = check_sparsity(sparsity)
        self.block = check_block(block)
        if scope not in SCOPES:
            raise ValueError(f"scope: given {scope!r}; accepted are {', '.join(map(repr, SCOPES))}")
        if schedule is not None and not isinstance(schedule, CubicSchedule):
            raise TypeError(
                f"schedule: given a {type(schedule).__name__}; accepted is a CubicSchedule, or None for at "
                "once"
            )
        if schedule is not None and schedule.initial > self.target:
            raise ValueError(
                f"schedule: given an initial sparsity of {schedule.initial}; accepted is up to the final "
                f"{self.target}"
            )
        self.scope = scope
        self.schedule = schedule
        self._layers = choose_layers(model, self.block, skip=skip, skip_first=skip_first, skip_last=skip_last)
        self._start()
        if schedule is None:
            self._prune_to(self.target, progress)
        elif schedule.due(0):
            self._prune_to(schedule.sparsity(0, self.target))

    @classmethod
    def of_zeros(cls, model: nn.Module) -> Pruner:
        """Hold the zeros that a model has, wherever they come from: for fine-tuning after one-shot pruning.

        Every weight that is zero now stays zero, in all convolutions and linear layers.
        """
        pruner = cls.__new__(cls)
        pruner.target, pruner.block, pruner.scope, pruner.schedule = 0.0, (1, 1), "layer", None
        pruner._layers = choose_layers(model, pruner.block, skip_first=False, skip_last=False)
        pruner._start()
        for layer in pruner._pruned:
            pruner._set_mask(layer, layer.grid.occupied(layer.weight))
        pruner.target = pruner.report().sparsity
        return pruner

    def _start(self) -> None:
        self.steps = 0
        self._masks: dict[str, torch.Tensor] = {}  # by layer, True for a block that stays
        self._keep: dict[str, torch.Tensor] = {}  # the same by element
        self._kept_norm: dict[str, float] = {}
        self._handle: RemovableHandle | None = None
        for layer in self._pruned:
            self._kept_norm[layer.name] = 1.0
            self._set_mask(layer, torch.ones_like(layer.grid.sizes(), dtype=torch.bool))

    @property
    def _pruned(self) -> list[Layer]:
        return [layer for layer in self._layers if not layer.reason]

    @property
    def sparsity(self) -> float:
        """The sparsity that the schedule asks for now."""
        return self.target if self.schedule is None else self.schedule.sparsity(self.steps, self.target)

    @property
    def done(self) -> bool:
        """Whether the schedule has reached its end."""
        return self.schedule is None or self.steps >= self.schedule.end

    @property
    def attached(self) -> bool:
        """Whether an optimizer calls `step()`."""
        return self._handle is not None

    def is_of(self, model: nn.Module) -> bool:
        """Whether the weights that are pruned are the model's own."""
        known = {id(parameter) for parameter in model.parameters()}
        return all(id(layer.module._parameters.get("weight")) in known for layer in self._pruned)

    def step(self) -> None:
        """To be called after each step of the optimizer."""
        self.steps += 1
        if self.schedule is not None and self.schedule.due(self.steps):
            self._prune_to(self.schedule.sparsity(self.steps, self.target))
        else:
            self._apply()

    def track(self, loader: Iterable[T], description: str, show: bool = True) -> Iterator[T]:
        """Yield what ``loader`` does, with a bar on stderr that tells the sparsity as it rises.

        Args:
            loader: an epoch's batches.
            description: what is going on.
            show: False yields in silence; where stderr is no terminal, lines of text take the bar's place.
        """
        return track(loader, lambda: f"{description}, {self.sparsity:.0%} zeros", show=show)

    def attach(self, optimizer: torch.optim.Optimizer) -> Pruner:
        """Let every ``optimizer.step()`` call `step()`, until `finish`; returns the pruner."""
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(
                f"optimizer: given a {type(optimizer).__name__}; accepted is a torch.optim.Optimizer"
            )
        if self._handle is not None:
            raise ValueError("optimizer: the pruner is attached to one already; accepted is one")
        self._handle = optimizer.register_step_post_hook(lambda *_: self.step())
        return self

    def report(self) -> SparsityReport:
        """The model's zeros as they are now, with the share of each weight's norm that masking left."""
        return count(self.block, self._layers, self._kept_norm)

    def finish(self) -> SparsityReport:
        """Zero what is masked for the last time, let go of the optimizer, and report.

        The model's weights are plain dense tensors with zeros; the pruner is not needed any more.
        """
        if not self.done:
            assert self.schedule is not None
            warnings.warn(
                f"finish: the schedule ends at step {self.schedule.end} and {self.steps} were made; the "
                "sparsity is "
                f"{self.sparsity:.3f}, not {self.target:.3f}",
                UserWarning,
                stacklevel=2,
            )
        self._apply()
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        return self.report()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here, as `torch.save` can hold it."""
        return {
            "version": _VERSION,
            **self._settings(),
            "steps": self.steps,
            "kept_norm": dict(self._kept_norm),
            "masks": {name: mask.clone() for name, mask in self._masks.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, in a pruner made with the same settings. Load the model's state first.

        Raises:
            ValueError: the state is of other settings or of another model; the message names what differs.
        """
        if not isinstance(state, Mapping) or state.get("version") != _VERSION:
            raise ValueError("state: given something else; accepted is what Pruner.state_dict returned")
        for name, mine in self._settings().items():
            if state[name] != mine:
                raise ValueError(f"state: given {name} = {state[name]!r}; accepted is this pruner's {mine!r}")
        masks = state["masks"]
        shapes = {layer.name: tuple(layer.grid.sizes().shape) for layer in self._pruned}
        if {name: tuple(mask.shape) for name, mask in masks.items()} != shapes:
            raise ValueError(
                f"state: given masks of {sorted(masks)}; accepted are masks of this model's layers "
                f"{sorted(shapes)}"
            )
        self.steps = int(state["steps"])
        self._kept_norm = dict(state["kept_norm"])
        for layer in self._pruned:
            self._set_mask(layer, masks[layer.name].clone())
        self._apply()

    def _settings(self) -> dict[str, Any]:
        schedule = None if self.schedule is None else asdict(self.schedule)
        return {"sparsity": self.target, "block": list(self.block), "scope": self.scope, "schedule": schedule}

    def _prune_to(self, sparsity: float, progress: bool = False) -> None:
        scores = {
            # What is gone comes first, before any living block that happens to be zero.
            layer.name: layer.grid.mean_squares(layer.weight)
            .cpu()
            .masked_fill(~self._masks[layer.name], -1.0)
            for layer in track(self._pruned, "Judging blocks", show=progress, lines=False)
        }
        sizes = {layer.name: layer.grid.sizes() for layer in self._pruned}
        kept = choose_kept(scores, sizes, sparsity, self.scope)
        # What an optimizer's step has left in masked weights is no part of the norm.
        self._apply()
        for layer in track(self._pruned, "Pruning", show=progress, lines=False):
            before = float(layer.weight.detach().double().norm())
            self._set_mask(layer, kept[layer.name] & self._masks[layer.name])
            self._apply_to(layer)
            after = float(layer.weight.detach().double().norm())
            self._kept_norm[layer.name] *= after / before if before and math.isfinite(before) else 1.0

    def _set_mask(self, layer: Layer, mask: torch.Tensor) -> None:
        mask = mask.cpu()
        self._masks[layer.name] = mask
        self._keep[layer.name] = layer.grid.expand(mask).to(layer.weight.device)

    def _apply(self) -> None:
        for layer in self._pruned:
            self._apply_to(layer)

    @torch.no_grad()
    def _apply_to(self, layer: Layer) -> None:
        keep = self._keep[layer.name]
        if keep.device != layer.weight.device:
            keep = self._keep[layer.name] = keep.to(layer.weight.device)
        # Not a product: a weight that has become infinite would leave NaN.
        layer.weight.masked_fill_(~keep, 0.0)


def check_sparsity(sparsity: object, name: str = "sparsity") -> float:
    """A share of zeros; an error that names it otherwise."""
    if isinstance(sparsity, bool) or not isinstance(sparsity, (int, float)):
        raise TypeError(f"{name}: given {sparsity!r}; accepted is a number from 0 to below 1")
    if not 0 <= sparsity < 1:
        raise ValueError(f"{name}: given {sparsity!r}; accepted are numbers from 0 to below 1")
    return float(sparsity)

"""One pass over the data, and the state that carries a run from pass to pass."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mobilekernels.distillation import checkpoint as checkpoints
from mobilekernels.distillation.hints import HintLoss
from mobilekernels.distillation.loss import soft_loss
from mobilekernels.progress import track
from mobilekernels.pruning.pruner import Pruner

# Of the regressors behind hints, which Adam trains: they are small, and Adam needs no tuning there.
_HINT_LEARNING_RATE = 1e-3

# What cross entropy takes for classes.
_LABELS = (torch.int64, torch.uint8)

_LOADER_ACCEPTED = (
    "accepted are inputs, (inputs, labels) or (inputs, labels, teacher's logits), where inputs are a tensor "
    "or a tuple of them"
)


@dataclass(frozen=True)
class Epoch:
    """One pass over the data. Losses are means over the samples.

    Attributes:
        loss: what was made small: alpha * soft + (1 - alpha) * hard + hint_weight * hint.
        soft: T^2 KL against the teacher.
        hard: cross entropy with the labels; 0 where there are none.
        hint: mean squared error of the hints; 0 where there are none.
        score: what ``evaluate`` returned; None without it.
    """

    loss: float
    soft: float
    hard: float
    hint: float
    seconds: float
    score: float | None = None


class Run:
    """A run in progress: epoch by epoch, saved and loaded in between."""

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module | None,
        loader: Iterable[Any],
        optimizer: torch.optim.Optimizer,
        temperature: float,
        alpha: float,
        hint_weight: float,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None,
        pruner: Pruner | None,
        pairs: tuple[tuple[str, str], ...],
    ) -> None:
        self.student, self.teacher, self.loader = student, teacher, loader
        self.optimizer, self.scheduler, self.pruner = optimizer, scheduler, pruner
        self.temperature, self.alpha, self.hint_weight = temperature, alpha, hint_weight
        self.pairs = pairs
        self.hints: HintLoss | None = None
        self.hint_optimizer: torch.optim.Optimizer | None = None
        self._hint_state: dict[str, Any] | None = None
        parameter = next(student.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device

    def epoch(self, description: str, progress: bool) -> Epoch:
        begun = time.monotonic()
        samples = 0
        # One tensor an epoch: reading a loss each step would make a GPU wait.
        sums = torch.zeros(4, dtype=torch.float64, device=self.device)
        self.student.train()
        tracked = track if self.pruner is None else self.pruner.track
        for index, item in enumerate(tracked(self.loader, description, show=progress)):
            batch = _Batch.of(item, index, self.device)
            parts = self._step(batch)
            rows = batch.inputs[0].shape[0]
            samples += rows
            sums += torch.stack([part.detach().double() for part in parts]) * rows
        if not samples:
            raise ValueError(
                "loader: yields nothing; accepted is an iterable that can be read once an epoch (a list or a "
                "DataLoader, not a generator)"
            )
        loss, soft, hard, hint = (sums / samples).tolist()
        if not math.isfinite(loss):
            raise FloatingPointError(f"loss: became {loss} in {description}; a lower learning rate may help")
        return Epoch(loss, soft, hard, hint, time.monotonic() - begun)

    def _step(self, batch: _Batch) -> tuple[torch.Tensor, ...]:
        if self.pairs and self.hints is None:
            self._make_hints(batch.inputs)
        optimizers = [self.optimizer, *([self.hint_optimizer] if self.hint_optimizer else [])]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        if self.hints is None:
            loss, *parts = self._loss(batch)
        else:
            with self.hints.watching():
                loss, *parts = self._loss(batch)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if self.pruner is not None and not self.pruner.attached:
            self.pruner.step()
        if self.scheduler is not None:
            self.scheduler.step()
        return loss, *parts

    def _loss(self, batch: _Batch) -> tuple[torch.Tensor, ...]:
        said = _logits(self.student(*batch.inputs), "student")
        soft = hard = hint = said.new_zeros(())
        taught = self._taught(batch)
        if taught is not None:
            if taught.shape != said.shape:
                raise ValueError(
                    f"teacher: gives {tuple(taught.shape)}; accepted is the student's shape "
                    f"{tuple(said.shape)}"
                )
            soft = soft_loss(said, taught, self.temperature)
        elif batch.labels is None:
            raise ValueError("loader: yields no labels; accepted are (inputs, labels) where teacher is None")
        if batch.labels is not None:
            hard = F.cross_entropy(said, batch.labels)
        if self.hints is not None:
            hint = self.hints()
        alpha = 0.0 if taught is None else 1.0 if batch.labels is None else self.alpha
        return alpha * soft + (1 - alpha) * hard + self.hint_weight * hint, soft, hard, hint

    @torch.no_grad()
    def _taught(self, batch: _Batch) -> torch.Tensor | None:
        # Hints need the teacher's run, whatever is known of its answers.
        if self.teacher is None or (batch.taught is not None and self.hints is None):
            return batch.taught
        answer = _logits(self.teacher(*batch.inputs), "teacher")
        return answer if batch.taught is None else batch.taught

    def _make_hints(self, inputs: tuple[torch.Tensor, ...]) -> None:
        assert self.teacher is not None
        self.hints = HintLoss(self.pairs, self.student, self.teacher, inputs)
        if any(True for _ in self.hints.parameters()):
            self.hint_optimizer = torch.optim.Adam(self.hints.parameters(), lr=_HINT_LEARNING_RATE)
        if self._hint_state is not None:
            self.hints.load_state_dict(self._hint_state["model"])
            if self.hint_optimizer is not None:
                self.hint_optimizer.load_state_dict(self._hint_state["optimizer"])
            self._hint_state = None

    def _settings(self) -> dict[str, Any]:
        return {
            "temperature": self.temperature,
            "alpha": self.alpha,
            "hints": [list(pair) for pair in self.pairs],
            "hint_weight": self.hint_weight,
            "pruner": self.pruner is not None,
            "scheduler": self.scheduler is not None,
        }

    def save(self, path: Path, done: list[Epoch]) -> None:
        hints = None
        if self.hints is not None:
            optimizer = self.hint_optimizer.state_dict() if self.hint_optimizer else None
            hints = {"model": self.hints.state_dict(), "optimizer": optimizer}
        state = {
            "version": checkpoints.VERSION,
            "settings": self._settings(),
            "epochs": [asdict(epoch) for epoch in done],
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "pruner": None if self.pruner is None else self.pruner.state_dict(),
            "hints": hints,
            "random": checkpoints.random_state(self.loader),
        }
        checkpoints.save(path, state)

    def load(self, path: Path) -> list[Epoch]:
        state = checkpoints.load(path)
        for name, mine in self._settings().items():
            if state["settings"][name] != mine:
                raise ValueError(
                    f"checkpoint: {path} has {name} = {state['settings'][name]!r}; accepted is {mine!r}, as "
                    "given now"
                )
        try:
            self.student.load_state_dict(state["student"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"checkpoint: {path} is of another student or optimizer ({error})") from error
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if self.pruner is not None:
            self.pruner.load_state_dict(state["pruner"])
        self._hint_state = state["hints"]
        checkpoints.set_random_state(state["random"], self.loader)
        return [Epoch(**epoch) for epoch in state["epochs"]]


@dataclass(frozen=True)
class _Batch:
    """What a loader yields; `taught` are the teacher's logits, where they were computed before."""

    inputs: tuple[torch.Tensor, ...]
    labels: torch.Tensor | None = None
    taught: torch.Tensor | None = None

    @classmethod
    def of(cls, item: Any, index: int, device: torch.device) -> _Batch:
        where = f"loader[{index}]"
        parts = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if not 1 <= len(parts) <= 3:
            raise TypeError(f"{where}: given {len(parts)} items; {_LOADER_ACCEPTED}")
        inputs = tuple(parts[0]) if isinstance(parts[0], (tuple, list)) else parts[:1]
        tensors = (*inputs, *(part for part in parts[1:] if part is not None))
        if not inputs or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
            given = ", ".join(type(tensor).__name__ for tensor in tensors)
            raise TypeError(f"{where}: given {given}; {_LOADER_ACCEPTED}")
        rest = [None if part is None else part.to(device) for part in parts[1:]]
        if rest and rest[0] is not None and rest[0].dtype not in _LABELS and not rest[0].is_floating_point():
            raise TypeError(
                f"{where}: given labels of {rest[0].dtype}; accepted are int64 and uint8 (classes), and "
                "floats (their probabilities)"
            )
        return cls(tuple(tensor.to(device) for tensor in inputs), *rest)


def _logits(output: object, who: str) -> torch.Tensor:
    if not isinstance(output, torch.Tensor) or output.dim() < 2:
        given = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise TypeError(f"{who}: returns {given}; accepted is one tensor of logits, classes last")
    return output

"""Knowledge distillation: a training loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mobilekernels.distillation.arguments import check_models, check_numbers, warn_of_schedule, warn_of_zeros
from mobilekernels.distillation.hints import Hints, check_hints
from mobilekernels.distillation.modes import evaluating
from mobilekernels.distillation.run import Epoch, Run
from mobilekernels.progress import say
from mobilekernels.pruning.pruner import Pruner


@dataclass(frozen=True)
class Distillation:
    """What a run did: its epochs, those before a resumed checkpoint too."""

    student: nn.Module
    epochs: tuple[Epoch, ...]

    def to_dict(self) -> dict[str, Any]:
        """The epochs, as JSON can hold them."""
        return {"epochs": [asdict(epoch) for epoch in self.epochs]}


def distill(
    student: nn.Module,
    teacher: nn.Module | None,
    loader: Iterable[Any],
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    temperature: float = 4.0,
    alpha: float = 0.9,
    hints: Hints = (),
    hint_weight: float = 1.0,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    pruner: Pruner | None = None,
    evaluate: Callable[[nn.Module], float] | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Distillation:
    """Train a student on the teacher's answers and on labels, in place.

    The loss is ``alpha * T^2 * KL(teacher || student) + (1 - alpha) * cross entropy`` (Hinton 2015), with
    both distributions softened by the temperature T in the first part, plus ``hint_weight`` times the hints'
    error. On the CPU, with one seed, one version of PyTorch and one number of threads, two runs give the same
    bits.

    Args:
        student: is trained, on the device where it is; left in training mode.
        teacher: gives logits of the student's shape; it runs in evaluation mode and is not changed. None
            where the loader brings its logits, or for training on labels alone, for a comparison.
        loader: an iterable, once an epoch, of (inputs, labels), of inputs alone, which makes ``alpha`` 1, or
            of (inputs, labels, logits) where the teacher's logits were computed before: it is then not run.
        epochs: to make in all, those in the checkpoint included.
        optimizer: over the student's parameters, or some of them.
        temperature: above 0; higher tells more of how the teacher ranks wrong classes.
        alpha: weight of the teacher's part, 0 to 1.
        hints: pairs of module names, the student's and the teacher's, whose results are to agree.
        scheduler: of the learning rate, stepped after each step of the optimizer.
        pruner: made on the student; stepped after each step of the optimizer, and saved in the checkpoint. A
            student that is pruned already keeps its zeros by ``Pruner.of_zeros(student)``.
        evaluate: gives the student's score after each epoch (it is in evaluation mode then).
        progress: whether to show progress on stderr.
        checkpoint: a file that is written after each epoch. A run that finds it there goes on from it, bit
            for bit as if it had not stopped; it holds the states of model, optimizer, scheduler, pruner and
            random generators.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value, or the checkpoint is of other
            settings; the message names it.
        FloatingPointError: the loss became NaN or infinite.

    Warns:
        UserWarning: the student has zeros that nothing holds, or the pruner's schedule ends after the run.
    """
    check_models(student, teacher, optimizer, scheduler, pruner)
    check_numbers(epochs, temperature, alpha, hint_weight)
    if hints and teacher is None:
        raise ValueError("hints: given without a teacher; accepted is () then")
    pairs = check_hints(hints, student, teacher) if teacher is not None else ()
    run = Run(student, teacher, loader, optimizer, temperature, alpha, hint_weight, scheduler, pruner, pairs)
    warn_of_zeros(student, optimizer, pruner)
    warn_of_schedule(pruner, loader, epochs)
    path = None if checkpoint is None else Path(checkpoint)
    done: list[Epoch] = []
    if path is not None and path.exists():
        done = run.load(path)
        say(f"{path}: {len(done)} of {epochs} epochs are done", progress)
    for index in range(len(done), epochs):
        with evaluating(teacher):
            epoch = run.epoch(f"Epoch {index + 1}/{epochs}", progress)
        score = None if evaluate is None else _evaluate(student, evaluate)
        done.append(replace(epoch, score=score))
        shown = "" if score is None else f", score {score:.4g}"
        say(f"Epoch {index + 1}/{epochs}: loss {epoch.loss:.4f}{shown}", progress)
        if path is not None:
            run.save(path, done)
    student.train()
    return Distillation(student, tuple(done))


def _evaluate(student: nn.Module, evaluate: Callable[[nn.Module], float]) -> float:
    with evaluating(student), torch.no_grad():
        return float(evaluate(student))

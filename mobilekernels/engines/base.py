"""What an engine is: a name and a function that prepares a callable for a network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn
from torch.fx import GraphModule

Inputs = tuple[torch.Tensor, ...]


class EngineAbsent(Exception):
    """The engine cannot run this network here; the text is the reason, for people."""


@dataclass(frozen=True)
class Subject:
    """One network in the forms that engines start from.

    Attributes:
        float_model: the float32 module, in eval mode.
        example_inputs: one call's inputs; engines that fix shapes fix these.
        calibration: calls to calibrate with, for engines that quantize the float model themselves.
        quantized: the PT2E graph that was converted, or None.
        converted: the module on our kernels, or None.
        threads: number of threads.
    """

    float_model: nn.Module
    example_inputs: Inputs
    calibration: tuple[Inputs, ...] = ()
    quantized: GraphModule | None = None
    converted: nn.Module | None = None
    threads: int = 1


@dataclass(frozen=True)
class Prepared:
    """A network made ready on one engine.

    Attributes:
        run: the inputs of one call -> the first output.
        session: what surrounds calls (process-wide settings that the engine needs); entered outside of
            timing.
        note: what a reader of the figures must know.
    """

    run: Callable[..., torch.Tensor]
    session: Callable[[], AbstractContextManager[object]] = nullcontext
    note: str = ""


@dataclass(frozen=True)
class Pending:
    """A network that is being made ready elsewhere.

    Attributes:
        finish: waits for it; raises :class:`EngineAbsent` where it failed.
        cancel: gives it up.
    """

    finish: Callable[[], Prepared]
    cancel: Callable[[], None]


@dataclass(frozen=True)
class Engine:
    """A way to run a network.

    Attributes:
        name: what ``compare(engines=[...])`` and the command line call it.
        title: what tables call it.
        dtype: ``"float32"`` or ``"int8"``.
        begin: makes a network ready, or begins to; raises :class:`EngineAbsent` with the reason where it
            cannot.
        slow: whether that takes long and goes on beside other work, so that it had better begin early.
    """

    name: str
    title: str
    dtype: Literal["float32", "int8"]
    begin: Callable[[Subject], Prepared | Pending] = field(repr=False)
    slow: bool = False

    def prepare(self, subject: Subject) -> Prepared:
        """Make a network ready and wait until it is; raises :class:`EngineAbsent` where it cannot."""
        begun = self.begin(subject)
        return begun.finish() if isinstance(begun, Pending) else begun


def engine(
    name: str, title: str, dtype: Literal["float32", "int8"], slow: bool = False
) -> Callable[[Callable[[Subject], Prepared | Pending]], Engine]:
    """Decorator that makes an :class:`Engine` of a function that begins to make a network ready."""
    return lambda begin: Engine(name, title, dtype, begin, slow)


def first_output(result: object) -> torch.Tensor:
    """The first tensor of a model's result."""
    while isinstance(result, (tuple, list)) and result:
        result = result[0]
    if not isinstance(result, torch.Tensor):
        raise TypeError(f"model: given a result of type {type(result).__name__}; accepted are tensors")
    return result

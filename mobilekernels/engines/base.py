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
class Engine:
    """A way to run a network.

    Attributes:
        name: what ``compare(engines=[...])`` and the command line call it.
        title: what tables call it.
        dtype: ``"float32"`` or ``"int8"``.
        prepare: makes a network ready; raises :class:`EngineAbsent` with the reason where it cannot.
    """

    name: str
    title: str
    dtype: Literal["float32", "int8"]
    prepare: Callable[[Subject], Prepared] = field(repr=False)


def engine(
    name: str, title: str, dtype: Literal["float32", "int8"]
) -> Callable[[Callable[[Subject], Prepared]], Engine]:
    """Decorator that makes an :class:`Engine` of its prepare function."""
    return lambda prepare: Engine(name, title, dtype, prepare)


def first_output(result: object) -> torch.Tensor:
    """The first tensor of a model's result."""
    while isinstance(result, (tuple, list)) and result:
        result = result[0]
    if not isinstance(result, torch.Tensor):
        raise TypeError(f"model: given a result of type {type(result).__name__}; accepted are tensors")
    return result

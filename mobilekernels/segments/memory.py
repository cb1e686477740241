"""How much memory activations take in a converted graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from mobilekernels._lib import core


@dataclass(frozen=True)
class Memory:
    """Bytes of activations inside segments, for inputs of one shape.

    Attributes:
        arena: the planned block that all results of a segment share.
        live: the most that is in use at once; no plan needs less.
        total: of all results, had each memory of its own.
        workspace: the scratch memory of the operator that needs most.
    """

    arena: int = 0
    live: int = 0
    total: int = 0
    workspace: int = 0

    def __str__(self) -> str:
        arena, live, total = (f"{value / 1024:.0f} KiB" for value in (self.arena, self.live, self.total))
        return f"{arena} planned, {live} in use at once, {total} without sharing"


def memory_of(module: fx.GraphModule, inputs: Sequence[Any], threads: int = 1) -> Memory:
    """Runs the graph once and adds up what its segments need; they share one block, so the largest counts.

    Args:
        threads: how many each task's scratch memory is counted for.
    """
    recorder = _Recorder(module, threads)
    with torch.no_grad():
        recorder.run(*inputs)
    found = recorder.found or [Memory()]
    return max(found, key=lambda memory: memory.arena)


class _Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule, threads: int) -> None:
        super().__init__(module)
        self.threads = threads
        self.found: list[Memory] = []

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is torch.ops.mobilekernels.segment.default:
            inputs, constants, program = args
            self.found.append(_plan(program, [*inputs, *constants], self.threads))
        return super().call_function(target, args, kwargs)


def _plan(program: str, tensors: Sequence[Tensor], threads: int) -> Memory:
    described = [(str(t.dtype).removeprefix("torch."), list(t.shape)) for t in tensors]
    return Memory(**core.segment_memory(program, described, threads))

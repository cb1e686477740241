"""Both files of a network, process by process in turn."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.export.files import Files
from bench.export.runner import Call, call, outside_kernels
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.metrics import sqnr

CALLS = 5


@dataclass(frozen=True)
class Result:
    """One network.

    Attributes:
        ours, xnnpack: a value a process, in the order in which they ran.
        outside: for each process that was profiled, the share of a call outside of our kernels.
        same_bytes: whether our file gave what the converted model gives in PyTorch.
        sqnr_db: of XNNPACK's output against ours: they compute the same network.
    """

    files: Files
    ours: tuple[Call, ...]
    xnnpack: tuple[Call, ...]
    outside: tuple[float, ...]
    same_bytes: bool
    sqnr_db: float

    def median(self, which: Callable[[Call], float]) -> tuple[float, float]:
        """Of ours, of XNNPACK's."""
        ours, xnnpack = (statistics.median(map(which, calls)) for calls in (self.ours, self.xnnpack))
        return ours, xnnpack

    def ratio(self, which: Callable[[Call], float]) -> float:
        """The median of the rounds' ratios: both sides of a round had the same neighbours."""
        return statistics.median(
            which(ours) / which(xnnpack) for ours, xnnpack in zip(self.ours, self.xnnpack, strict=True)
        )


def measure(files: Files, runner: Path, rounds: int) -> Result:
    """In every round a process of each side, in alternating order, and one that is profiled; on one CPU."""
    ours: list[Call] = []
    xnnpack: list[Call] = []
    outside: list[float] = []
    sides = [(files.ours, ours), (files.xnnpack, xnnpack)]
    with tempfile.TemporaryDirectory() as folder, pinned(cpu_to_pin()):
        outputs = [_output(runner, file, files.image, Path(folder)) for file, _ in sides]
        for index in range(rounds):
            for file, calls in sides[:: 1 if index % 2 else -1]:
                calls.append(call(runner, file, files.image, CALLS))
            outside.append(outside_kernels(runner, files.ours, files.image))
    same = outputs[0].tobytes() == files.expected().tobytes()
    close = sqnr(*map(torch.from_numpy, outputs))
    return Result(files, tuple(ours), tuple(xnnpack), tuple(outside), same, close)


def _output(runner: Path, file: Path, image: Path, folder: Path) -> np.ndarray:
    call(runner, file, image, 1, folder / "output.bin")
    return np.fromfile(folder / "output.bin", np.float32)

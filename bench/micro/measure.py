"""A layer on every engine, round by round, with weights that are not in the caches."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.micro import xnnpack_layer
from bench.micro.case import Case
from bench.micro.engines import Instance, LayerEngine
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.timing import torch_threads

# Seeds of the weights: the instance that is timed, and the one that warms up what is not its weights.
SEEDS = (xnnpack_layer.SEED, 3)
_FALLBACK_SWEEP = 8 << 20


@dataclass(frozen=True)
class Measured:
    """One layer on one engine.

    Attributes:
        absent: why it did not run, or None.
        seconds: of one call, a value a round.
        close: share of the result's codes within one of the exact ones; None for float engines.
    """

    absent: str | None = None
    seconds: tuple[float, ...] = ()
    close: float | None = None


def sweep_bytes() -> int:
    """Twice the second-level cache: what pushes a layer's weights out of it."""
    try:
        return 2 * os.sysconf("SC_LEVEL2_CACHE_SIZE") or _FALLBACK_SWEEP
    except (ValueError, OSError):
        return _FALLBACK_SWEEP


def measure(case: Case, engines: Sequence[LayerEngine], rounds: int, threads: int = 1) -> dict[str, Measured]:
    """Time a layer on every engine once a round, in turning order; gives engine name -> figures.

    Before each timed call a buffer twice as large as the second-level cache is read, then a second instance
    of the layer runs on the same input: it brings back the activations and the engine's code, and has weights
    of its own. So the timed call finds its activations warm and its weights cold (out of the second level; in
    the third, or in memory where there is none), as in a network, where other layers ran since.
    """
    absent: dict[str, Measured] = {}
    instances: dict[str, tuple[Instance, Instance]] = {}
    close: dict[str, float | None] = {}
    weights = [case.weights(seed) for seed in SEEDS]
    exact = case.reference(weights[0])
    with torch.no_grad(), torch_threads(threads):
        for engine in engines:
            try:
                timed, decoy = (engine.make(case, each) for each in weights)
            except EngineAbsent as reason:
                absent[engine.name] = Measured(absent=str(reason))
                continue
            instances[engine.name] = timed, decoy
            close[engine.name] = _close(timed, exact)
        with pinned(cpu_to_pin() if threads == 1 else None):
            seconds = _rounds(instances, rounds)
    found = {name: Measured(None, tuple(seconds[name]), close[name]) for name in instances}
    return {engine.name: (absent | found)[engine.name] for engine in engines}


def _rounds(instances: dict[str, tuple[Instance, Instance]], rounds: int) -> dict[str, list[float]]:
    sweep = torch.zeros(sweep_bytes() // 8, dtype=torch.int64)
    seconds: dict[str, list[float]] = {name: [] for name in instances}
    for index in range(-1, rounds):  # the first one is not kept
        names = list(instances)[:: 1 if index % 2 else -1]
        for name in names:
            timed, decoy = instances[name]
            with timed.session():
                sweep.sum()
                decoy.run()
                start = time.perf_counter()
                timed.run()
                passed = time.perf_counter() - start
            if index >= 0:
                seconds[name].append(passed)
    return seconds


def _close(instance: Instance, exact: torch.Tensor) -> float | None:
    if instance.codes is None:
        return None
    with instance.session():
        codes = instance.codes(instance.run())
    return float(((codes.int() - exact.int()).abs() <= 1).float().mean())

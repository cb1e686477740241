"""A layer on every engine, round by round, with weights that are not in the caches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.micro import xnnpack_layer
from bench.micro.case import Case
from bench.micro.engines import Instance, LayerEngine
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.timing import ColdCandidate, interleave_cold, torch_threads

# Seeds of the weights: the instance that is timed, and the one that warms up what is not its weights.
SEEDS = (xnnpack_layer.SEED, 3)


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


def measure(case: Case, engines: Sequence[LayerEngine], rounds: int, threads: int = 1) -> dict[str, Measured]:
    """Time a layer on every engine once a round, in turning order; gives engine name -> figures.

    Each engine has two instances of the layer on the same input, with weights of their own: the second is
    what `interleave_cold` runs before the timed call.
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
            close[engine.name] = share_close(timed, exact)
        with pinned(cpu_to_pin() if threads == 1 else None):
            timings = interleave_cold(
                {
                    name: ColdCandidate(timed.run, decoy.run, timed.session)
                    for name, (timed, decoy) in instances.items()
                },
                rounds,
            )
    found = {name: Measured(None, timings[name].seconds, close[name]) for name in instances}
    return {engine.name: (absent | found)[engine.name] for engine in engines}


def share_close(instance: Instance, exact: torch.Tensor) -> float | None:
    """Share of the result's codes within one of the exact ones; None for float engines."""
    if instance.codes is None:
        return None
    with instance.session():
        codes = instance.codes(instance.run())
    return float(((codes.int() - exact.int()).abs() <= 1).float().mean())

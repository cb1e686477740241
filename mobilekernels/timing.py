"""Timing that neighbours and clocks disturb alike: every candidate has a turn in each round."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch

# Seconds of a candidate's turn: several frames of a small network, and short beside a neighbour's burst.
BUSY = 0.02
_FALLBACK_SWEEP = 8 << 20


@dataclass(frozen=True)
class Candidate:
    """Something to time: ``call`` is timed, ``session`` surrounds it untimed."""

    call: Callable[[], object]
    session: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class ColdCandidate:
    """Something to time with weights that are not in the caches.

    Attributes:
        call: is timed.
        decoy: the same with other weights; it brings back input and code.
        session: surrounds both, untimed.
    """

    call: Callable[[], object]
    decoy: Callable[[], object]
    session: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of one call of a candidate, a value a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the rounds, in seconds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile, in seconds."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high


def interleave(
    candidates: Mapping[str, Candidate],
    rounds: int,
    warmup: int = 3,
    after_round: Callable[[], object] = lambda: None,
    busy: float = BUSY,
) -> dict[str, Timing]:
    """Time every candidate in each round, in alternating order; a round's figure is the mean of its calls.

    In a round a candidate runs as it does where it is used, call after call: one untimed call, then calls
    for at least ``busy`` seconds. A single call behind other engines would find caches, branch predictors
    and the clock as those left them, which no camera's second frame does: every engine was a third slower.

    Args:
        rounds: how many timed rounds, at least 1.
        warmup: untimed calls of each candidate before everything.
        after_round: called after each round (progress).
        busy: seconds that each candidate's timed calls of a round take at least; 0 times one call.
    """
    if rounds < 1:
        raise ValueError(f"rounds: given {rounds}; accepted are numbers from 1 on")
    for candidate in candidates.values():
        with candidate.session():
            for _ in range(warmup):
                candidate.call()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(rounds):
        names = list(candidates) if index % 2 == 0 else list(candidates)[::-1]
        for name in names:
            candidate = candidates[name]
            with candidate.session():
                candidate.call()
                seconds[name].append(_mean_call(candidate.call, busy))
        after_round()
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def interleave_cold(candidates: Mapping[str, ColdCandidate], rounds: int) -> dict[str, Timing]:
    """Time one call of every candidate in each round, in alternating order.

    Before each timed call a buffer twice as large as the second-level cache is read, then the decoy runs. So
    the timed call finds its activations warm and its weights cold (out of the second level; in the third, or
    in memory where there is none), as in a network, where other layers ran since.
    """
    sweep = torch.zeros(sweep_bytes() // 8, dtype=torch.int64)
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(-1, rounds):  # the first one is not kept
        names = list(candidates)[:: 1 if index % 2 else -1]
        for name in names:
            candidate = candidates[name]
            with candidate.session():
                sweep.sum()
                candidate.decoy()
                start = time.perf_counter()
                candidate.call()
                passed = time.perf_counter() - start
            if index >= 0:
                seconds[name].append(passed)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def sweep_bytes() -> int:
    """Twice the second-level cache: what pushes a layer's weights out of it."""
    try:
        return 2 * os.sysconf("SC_LEVEL2_CACHE_SIZE") or _FALLBACK_SWEEP
    except (ValueError, OSError):
        return _FALLBACK_SWEEP


def _mean_call(call: Callable[[], object], busy: float) -> float:
    """Seconds of one call, the mean of as many as fill ``busy`` seconds."""
    calls = 0
    start = time.perf_counter()
    while True:
        call()
        calls += 1
        passed = time.perf_counter() - start
        if passed >= busy:
            return passed / calls


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let PyTorch compute with that many threads, and give back the old number."""
    old = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(old)

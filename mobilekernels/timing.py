"""Timing that neighbours and clocks disturb alike: every candidate once a round, round after round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Candidate:
    """Something to time: ``call`` is timed, ``session`` surrounds it untimed."""

    call: Callable[[], object]
    session: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of the rounds of one candidate."""

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
) -> dict[str, Timing]:
    """Time every candidate once in each round, in alternating order.

    Args:
        rounds: how many timed rounds, at least 1.
        warmup: untimed calls of each candidate, before everything and once before each timed call's round.
        after_round: called after each round (progress).
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
                # One call to bring weights and code back into the caches that the last candidate has filled.
                candidate.call()
                start = time.perf_counter()
                candidate.call()
                seconds[name].append(time.perf_counter() - start)
        after_round()
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let PyTorch compute with that many threads, and give back the old number."""
    old = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(old)

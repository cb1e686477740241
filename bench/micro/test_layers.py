"""Layers of real networks on every engine: `pytest bench/micro`.

pytest-benchmark runs one case after another, and a slow minute of the machine would meet one engine alone.
So a layer is measured on all engines at once, round by round, when its first case runs; each case then plays
back its engine's rounds to pytest-benchmark, whose clock is the recorded one. Its tables, JSON and
comparisons are as ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.case import Case
from bench.micro.engines import LayerEngine
from bench.micro.measure import Measured


class Playback:
    """A clock that only recorded calls move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def play(self, seconds: float) -> None:
        self.now += seconds


CLOCK = Playback()


@pytest.mark.benchmark(timer=CLOCK)
def test_layer(
    benchmark: BenchmarkFixture,
    case: Case,
    engine: LayerEngine,
    measured: Callable[[Case], dict[str, Measured]],
) -> None:
    found = measured(case)[engine.name]
    if found.absent is not None:
        pytest.skip(found.absent)
    benchmark.group = case.name
    benchmark.extra_info.update(
        layer=case.name,
        engine=engine.name,
        title=engine.title,
        includes=engine.includes,
        macs=case.macs,
        bytes=case.bytes,
        gmacs=case.macs / sorted(found.seconds)[len(found.seconds) // 2] / 1e9,
        close=found.close,
    )
    recorded = itertools.cycle(found.seconds)
    benchmark.pedantic(lambda: CLOCK.play(next(recorded)), rounds=len(found.seconds), iterations=1)

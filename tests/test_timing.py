"""Clocks: whose turn it is, and what is cold."""

from __future__ import annotations

from contextlib import contextmanager

from mobilekernels.timing import ColdCandidate, interleave_cold, sweep_bytes


def test_turns_alternate_and_the_decoy_runs_before_the_timed_call() -> None:
    calls: list[str] = []

    @contextmanager
    def session():
        calls.append("(")
        yield
        calls.append(")")

    def make(name: str) -> ColdCandidate:
        return ColdCandidate(lambda: calls.append(name), lambda: calls.append(f"decoy {name}"), session)

    found = interleave_cold({name: make(name) for name in "ab"}, rounds=2)
    turn = {name: ["(", f"decoy {name}", name, ")"] for name in "ab"}
    # The first round warms up.
    assert calls == [*turn["a"], *turn["b"], *turn["b"], *turn["a"], *turn["a"], *turn["b"]]
    assert [len(timing.seconds) for timing in found.values()] == [2, 2]
    assert min(found["a"].seconds) > 0


def test_the_sweep_is_larger_than_a_cache() -> None:
    assert sweep_bytes() >= 256 << 10

"""Speed-ups at any share of blocks, from two that are emulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arm.plugin import CountError
from bench.x86 import sparse, steps
from bench.x86.shares import cost_at, variants
from mobilekernels.bench.layers import Layer

DENSE = Layer("a", "linear", {"rows": "128", "in": "64", "out": "64"})
# As of kernels whose cost is 10 and a share of 90 or 180.
COSTS = {"a": 100.0, "a_4x4_0.05": 14.5, "a_4x4_0.2": 28.0, "a_1x4_0.05": 19.0, "a_1x4_0.2": 46.0}


def test_what_is_emulated() -> None:
    listed = variants(DENSE)
    assert [layer.name for layer in listed] == list(COSTS)
    assert str(listed[1]) == "a_4x4_0.05: linear rows=128 in=64 out=64 block=4x4 zeros=95"
    assert DENSE.values == {"rows": "128", "in": "64", "out": "64"}


@pytest.mark.parametrize(("block", "slope"), [("4x4", 90), ("1x4", 180)])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1.0])
def test_costs_are_linear_in_blocks(block: str, slope: float, share: float) -> None:
    assert cost_at(COSTS, "a", block, share) == pytest.approx(10 + slope * share)


def test_speedups_and_goals() -> None:
    found = sparse.speedups(["a"], COSTS)
    assert found["a"]["4x4", "80"] == pytest.approx(100 / 28)
    text = sparse.report(found, "znver4", markdown=True)
    assert "No measure of time" in text
    assert "- goal: 4x4 at 50 %: 1.7: 1.82 to 1.82, met" in text
    assert "- goal: 1x4 at 90 %: 5.5: 3.57 to 3.57, MISSED by a 3.57" in text


def test_without_the_runner_it_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(steps, "RUNNER", tmp_path / "none")
    with pytest.raises(CountError, match="none is missing: make x86"):
        steps.count([DENSE], "avx2")

"""Dense or sparse, by the curves or by force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from mobilekernels.pruning.blocks import BlockGrid
from mobilekernels.sparsity.curves import Curves
from mobilekernels.sparsity.plan import Planner
from tests.sparsity.samples import curves, speedup

CURVES = curves("avx2")


def weight(zeros: float, block: tuple[int, int], shape: tuple[int, ...] = (64, 64, 1, 1)) -> torch.Tensor:
    """int8 codes with just that share of zero blocks."""
    grid = BlockGrid(shape, 1, block)
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(grid.sizes().numel(), generator=generator).reshape(grid.sizes().shape)
    kept = grid.expand(order >= round(zeros * order.numel()))
    return torch.randint(1, 128, shape, dtype=torch.int8, generator=generator) * kept


@pytest.mark.parametrize("block", [(4, 4), (1, 4)])
def test_the_block_that_was_pruned_is_chosen(block):
    plan = Planner("auto", CURVES, "avx2").plan(weight(0.75, block), 1, 196)
    assert plan.block == block
    assert plan.gain == pytest.approx(speedup(block, 0.25))
    assert plan.zeros.sparsity == pytest.approx(0.75)
    assert plan.advice == ""


def test_a_weight_without_zeros_is_dense_and_nothing_is_said():
    plan = Planner("auto", CURVES, "avx2").plan(weight(0.0, (1, 1)), 1, 196)
    assert (plan.block, plan.gain, plan.advice) == (None, None, "")


def test_zeros_in_no_pattern_name_the_blocks_that_would_pay():
    plan = Planner("auto", CURVES, "avx2").plan(weight(0.6, (1, 1)), 1, 196)
    assert plan.block is None
    gains = [f"block={b} ({speedup(b, 0.4):.1f}x)" for b in ((4, 4), (1, 4))]
    assert plan.advice.endswith(f"as many zeros would pay with {' or '.join(gains)}")


def test_too_few_zeros_say_how_many_it_takes():
    dear = Planner("auto", curves("avx2"), "avx2")
    plan = dear.plan(weight(0.26, (1, 4)), 1, 196)
    assert plan.block is None
    assert "block=(4, 4)" in plan.advice  # 0.74 of 4x4 blocks would pay, of 1x4 it takes more
    assert "block=(1, 4)" not in plan.advice

    slow = [each for each in CURVES.curves if each.block == (1, 4)]
    plan = Planner("auto", Curves(tuple(slow), "tests"), "avx2").plan(weight(0.26, (1, 4)), 1, 196)
    needed = 1 - (1 / 1.05 - 0.05) / 1.5
    assert plan.advice == f"too few zeros for avx2: it takes {needed:.0%} in 1x4"


def test_gains_that_were_not_measured_must_be_larger():
    """By these curves 0.7 of all 4x4 blocks are 1.2 times as fast: enough for a measurement alone."""
    codes = weight(0.3, (4, 4))
    measured = Planner("auto", CURVES, "avx2").plan(codes, 1, 196)
    assert (measured.block, measured.gain_source) == ((4, 4), "measured")
    counted = Planner("auto", curves("neon", source="instructions"), "neon")
    assert counted.plan(codes, 1, 196).block is None
    needed = 1 - (1 / 1.25 - 0.05) / 1.1
    assert f"it takes {needed:.0%} in 4x4" in counted.plan(codes, 1, 196).advice
    plan = counted.plan(weight(0.5, (4, 4)), 1, 196)
    assert (plan.block, plan.gain_source) == ((4, 4), "instructions")


def test_channels_that_fill_no_quads_get_no_advice_that_cannot_be_followed():
    plan = Planner("auto", CURVES, "avx2").plan(weight(0.6, (1, 1), (64, 6, 3, 3)), 1, 196)
    assert plan.advice == "6 input channels a group do not fill blocks of 4"


@pytest.mark.parametrize("isa", ["avx2", "scalar"])
def test_force(isa):
    """With a curve the faster block, without one the smaller."""
    codes = weight(0.75, (1, 4))
    assert Planner("never", CURVES, isa).plan(codes, 1, 196).block is None
    assert Planner("always", CURVES, isa).plan(codes, 1, 196).block == (1, 4)
    assert Planner("always", CURVES, isa).plan(weight(0.0, (1, 1)), 1, 196).block == (4, 4)
    for block in ((4, 4), (1, 4)):
        plan = Planner(block, CURVES, isa).plan(codes, 1, 196)
        assert plan.block == block
        expected = speedup(block, plan.zeros.occupancy[block]) if isa == "avx2" else None
        assert plan.gain == (None if expected is None else pytest.approx(expected, rel=0.05))


def test_without_curves_auto_is_dense_and_knows_that_it_is_blind():
    planner = Planner("auto", CURVES, "neon")
    assert planner.blind
    assert planner.plan(weight(0.9, (4, 4)), 1, 196).block is None
    assert not Planner("auto", CURVES, "avx2").blind
    assert not Planner("never", CURVES, "neon").blind


@pytest.mark.parametrize("mode", ["auto", "always", "never", (4, 4)])
def test_depthwise_has_no_plan(mode):
    assert Planner(mode, CURVES, "avx2").plan(torch.zeros(16, 1, 3, 3, dtype=torch.int8), 16, 196) is None


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        (
            "sometimes",
            ValueError,
            r"sparse: given 'sometimes'; accepted are 'auto', 'never', 'always', \(4, 4\)",
        ),
        ((2, 2), ValueError, r"sparse: given \(2, 2\)"),
        (None, TypeError, "sparse: given a NoneType"),
        (True, TypeError, "sparse: given a bool"),
    ],
)
def test_bad_modes(mode: Any, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        Planner(mode, CURVES, "avx2")


def test_floats_have_curves_of_their_own_and_are_judged_where_they_are_pruned() -> None:
    weight = torch.ones(64, 64, 1, 1)
    weight[:, 12:] = 0
    both = Curves(curves("avx2").curves, "tests", curves("neon").curves)
    plan = Planner("auto", both, "neon").plan(weight, 1, 196)
    assert plan is not None
    assert plan.block == (4, 4)
    assert plan.gain > 1.05
    blind = Planner("auto", both, "avx2").plan(weight, 1, 196)
    assert blind is not None
    assert blind.block is None
    assert blind.advice == "no float32 curve for avx2 in tests"
    codes = Planner("auto", both, "avx2").plan(weight.to(torch.int8), 1, 196)
    assert codes is not None
    assert codes.block == (4, 4)
    # A curve may promise a gain without a zero: PyTorch's own operator is slow on some layers.
    fast = [replace(curve, speedup=tuple(9 * each for each in curve.speedup)) for curve in both.float32]
    dense = Planner("auto", Curves((), "tests", tuple(fast)), "neon").plan(torch.ones(64, 64, 1, 1), 1, 196)
    assert dense is not None
    assert dense.block is None

"""Curves between and beyond their points, and which of them a layer is judged by."""

from __future__ import annotations

import pytest

from mobilekernels.sparsity.curves import Curves, LayerShape
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS
from tests.sparsity.samples import OCCUPANCY, curve, curves, speedup


@pytest.mark.parametrize("block", SPARSE_BLOCKS)
@pytest.mark.parametrize("occupancy", [0.1, 0.17, 0.3, 0.42, 0.5, 0.77, 1.0])
def test_time_is_interpolated(block, occupancy):
    assert curve("avx2", block, "linear").at(occupancy) == pytest.approx(speedup(block, occupancy))


@pytest.mark.parametrize("occupancy", [0.0, 0.03])
def test_no_gain_is_promised_beyond_what_was_measured(occupancy):
    assert curve("avx2", (4, 4), "linear").at(occupancy) == pytest.approx(speedup((4, 4), OCCUPANCY[0]))


def test_break_even():
    sample = curve("avx2", (1, 4), "linear")
    assert sample.break_even() == pytest.approx(0.95 / 1.5)
    assert sample.at(sample.break_even(2.0)) == pytest.approx(2.0)
    assert sample.break_even(100.0) == 0.0
    assert sample.break_even(0.5) == 1.0


@pytest.mark.parametrize(
    ("shape", "groups", "pixels", "expected"),
    [
        ((64, 32, 1, 1), 1, 196, LayerShape("pointwise", 196, 32, 64)),
        ((64, 32, 3, 3), 1, 196, LayerShape("spatial", 196, 32, 64)),
        ((64, 16, 1, 3), 2, 1, LayerShape("spatial", 1, 16, 32)),
        ((64, 32, 1, 1), 1, 1, LayerShape("row", 1, 32, 64)),
        ((64, 32), 1, 1, LayerShape("row", 1, 32, 64)),
        ((64, 32), 1, 128, LayerShape("linear", 128, 32, 64)),
    ],
)
def test_shapes(shape, groups, pixels, expected):
    assert LayerShape.of(shape, groups, pixels) == expected


def test_the_layer_most_like_it():
    small, large, wide = (
        curve("avx2", (4, 4), "pointwise", *sizes) for sizes in ((49,), (3136,), (49, 1024))
    )
    found = Curves((small, large, wide, curve("avx2", (4, 4), "spatial", 600)), "tests")
    for pixels, channels, expected in (
        (49, 300, small),
        (4000, 256, large),
        (60, 2048, wide),
        (300, 256, small),
    ):
        layer = LayerShape("pointwise", pixels, channels, channels)
        assert found.find("avx2", (4, 4), layer) is expected
    assert found.find("avx2", (1, 4), layer) is None
    assert found.find("neon", (4, 4), layer) is None


def test_isas():
    assert curves("neon", "avx2").isas() == ("neon", "avx2")

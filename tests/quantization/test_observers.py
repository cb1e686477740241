"""The observers against brute-force statements of what they promise."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torchao", reason="the observers extend torchao's")

from mobilekernels.quantization.activation_observers import OBSERVERS, MseObserver, affine_qparams
from mobilekernels.quantization.histogram import GrowingHistogram
from mobilekernels.quantization.mse import best_range, range_losses
from mobilekernels.quantization.weight_observer import PerChannelWeightObserver, weight_scales

finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)


def observer(name: str) -> torch.nn.Module:
    return OBSERVERS[name](
        dtype=torch.int8, quant_min=-128, quant_max=127, qscheme=torch.per_tensor_affine, is_dynamic=False
    )


@given(finite, finite)
def test_affine_parameters_hold_zero_and_the_ends(a: float, b: float) -> None:
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    scale, zero_point = affine_qparams(a if a < b else b, b if a < b else a, -128, 127)
    assert scale > 0
    assert math.isfinite(scale)
    assert -128 <= zero_point <= 127
    for end in (low, high):
        code = max(-128, min(127, round(end / scale) + zero_point))
        assert abs((code - zero_point) * scale - end) <= scale * 1.001


@pytest.mark.parametrize("name", sorted(OBSERVERS))
@pytest.mark.parametrize(
    "values", [torch.zeros(64), torch.full((64,), 1e-12), torch.tensor([3.0]), -torch.ones(9)]
)
def test_degenerate_tensors_give_sane_parameters(name: str, values: torch.Tensor) -> None:
    watch = observer(name)
    watch(values)
    scale, zero_point = watch.calculate_qparams()  # type: ignore[operator]
    assert float(scale) > 0
    assert math.isfinite(float(scale))
    restored = (torch.clamp(torch.round(values / scale) + zero_point, -128, 127) - zero_point) * scale
    assert torch.allclose(restored, values, rtol=0.01, atol=1e-20)


@given(st.lists(st.lists(finite, min_size=1, max_size=20), min_size=1, max_size=6))
def test_growing_histogram_loses_nothing(batches: list[list[float]]) -> None:
    histogram = GrowingHistogram(bins_a_side=16)
    for batch in batches:
        histogram.add(torch.tensor(batch))
    values = [v for batch in batches for v in batch if v != 0]
    assert float(histogram.counts.sum()) == len(values)
    edges = [(i - 16) * histogram.width for i in range(33)]
    for i in range(32):
        # A value within float32 rounding of an edge may fall on either side of it.
        slack = histogram.width * 1e-5
        surely = sum(edges[i] + slack <= v < edges[i + 1] - slack for v in values)
        maybe = sum(edges[i] - slack <= v <= edges[i + 1] + slack for v in values)
        assert surely <= float(histogram.counts[i]) <= maybe


@given(st.integers(0, 2**31), st.sampled_from((0, 1, 4)), st.integers(1, 3))
def test_losses_equal_a_double_loop(seed: int, parts_below: int, bins_a_part: int) -> None:
    # The range [-parts_below / 4, 1] in equal bins, so that zero is an edge.
    low, high = -parts_below / 4, 1.0
    bins = (parts_below + 4) * bins_a_part
    counts = torch.randint(0, 9, (bins,), generator=torch.Generator().manual_seed(seed)).double()
    losses, lows, highs = range_losses(counts, low, high, 256)
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64)
    centers = ((edges[1:] + edges[:-1]) / 2).tolist()
    for (i, lo), (j, hi) in itertools.product(enumerate(lows.tolist()), enumerate(highs.tolist())):
        if hi == lo:
            assert losses[i, j] == math.inf
            continue
        expected = 0.0
        for center, count in zip(centers, counts.tolist(), strict=True):
            if center < lo:
                expected += count * (lo - center) ** 2
            elif center > hi:
                expected += count * (center - hi) ** 2
            else:
                expected += count * ((hi - lo) / 255) ** 2 / 12
        assert float(losses[i, j]) == pytest.approx(expected, abs=1e-9)


def quantization_error(values: torch.Tensor, low: float, high: float) -> float:
    scale, zero_point = affine_qparams(low, high, -128, 127)
    codes = torch.clamp(torch.round(values / scale) + zero_point, -128, 127)
    return float(((codes - zero_point) * scale - values).double().square().sum())


@pytest.mark.parametrize(
    "values",
    [
        torch.randn(20000, generator=torch.Generator().manual_seed(1)),
        torch.randn(20000, generator=torch.Generator().manual_seed(2)).relu(),
        torch.randn(20000, generator=torch.Generator().manual_seed(3)) ** 3,
        torch.cat((torch.rand(20000, generator=torch.Generator().manual_seed(4)), torch.tensor([40.0]))),
    ],
    ids=["normal", "relu", "heavy tails", "outlier"],
)
def test_mse_range_is_as_good_as_any_clipping(values: torch.Tensor) -> None:
    watch = observer("mse")
    for batch in values.split(5000):
        watch(batch)
    assert isinstance(watch, MseObserver)
    watch.calculate_qparams()
    assert watch.range is not None
    found = quantization_error(values, *watch.range)
    low, high = float(values.min()), float(values.max())
    steps = torch.linspace(0.02, 1.0, 50).tolist()
    pairs = itertools.product(steps if low < 0 else [1.0], steps)
    best = min(quantization_error(values, min(low, 0.0) * a, high * b) for a, b in pairs)
    assert found <= 1.05 * best
    assert found <= quantization_error(values, low, high) * 1.01, (
        "as good as no clipping, but for the model of rounding"
    )


def test_best_range_names_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"counts: given shape \(2, 2\)"):
        best_range(torch.ones(2, 2), 0.0, 1.0)
    with pytest.raises(ValueError, match="includes 0"):
        best_range(torch.ones(4), 0.5, 1.0)


def test_weight_scales_of_zero_and_weak_channels() -> None:
    scales, zero_points = weight_scales(torch.tensor([1.27, 0.0, 1e-30, 0.127]))
    assert scales.tolist() == pytest.approx([0.01, 0.01, 0.01 * 2**-16, 0.001])
    assert zero_points.tolist() == [0, 0, 0, 0]
    assert weight_scales(torch.zeros(3))[0].tolist() == [1.0, 1.0, 1.0]


def test_weight_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="model: a weight holds NaN"):
        weight_scales(torch.tensor([1.0, math.nan]))


def test_weight_observer_uses_each_channel_to_its_end() -> None:
    weight = torch.randn(6, 3, 3, 3) * torch.tensor([1.0, 1e-3, 10.0, 0.0, 0.5, 2.0]).view(6, 1, 1, 1)
    watch = PerChannelWeightObserver(
        dtype=torch.int8, quant_min=-127, quant_max=127, qscheme=torch.per_channel_symmetric, ch_axis=0
    )
    watch(weight)
    scales, _ = watch.calculate_qparams()
    expected = weight.abs().amax(dim=(1, 2, 3)) / 127
    expected[3] = expected.max()
    assert torch.allclose(scales, expected)

"""The depthwise kernels, called directly."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mobilekernels import _core
from tests import reference
from tests.kernels.accumulators import Range, Residual, as_range, epilogue, residuals
from tests.kernels.listed import SENTINELS, Guarded, every_isa
from tests.strategies import (
    CODE_KINDS,
    GENERATORS,
    SCALE_KINDS,
    WEIGHT_KINDS,
    ZERO_POINTS,
    channel_scales,
    codes,
    out_ranges,
)


@dataclass(frozen=True)
class Taps:
    """x [pixels, taps, channels] as the indirection buffer points to it, weight [channels, taps]."""

    x: reference.Int8
    weight: reference.Int8
    bias: reference.Int32
    scale: reference.Float32
    x_zero_point: int

    def packed(self) -> reference.Int8:
        channels, taps = self.weight.shape
        weight = self.weight.reshape(channels, 1, taps, 1)
        packed: reference.Int8 = _core.pack_weights(
            weight, self.bias, self.scale, channels, self.x_zero_point
        )
        return packed

    def result(self) -> reference.Float32:
        """float(acc) * scale[c], float32 [pixels, channels]."""
        products = reference.centered(self.x, self.x_zero_point) * self.weight.T.astype(np.int64)
        return reference.times(products.sum(axis=1) + self.bias, self.scale)


def taps_of(
    rng: np.random.Generator,
    pixels: int,
    taps: int,
    channels: int,
    kinds: tuple[str, str, str],
    zero_point: int,
) -> Taps:
    """`kinds` of activations, weights and scales."""
    return Taps(
        x=codes(rng, kinds[0], (pixels, taps, channels), zero_point),
        weight=codes(rng, kinds[1], (channels, taps), lowest=-127),
        bias=rng.integers(-100, 100, channels, np.int32),
        scale=channel_scales(rng, kinds[2], channels, taps),
        x_zero_point=zero_point,
    )


@st.composite
def taps_cases(draw: DrawFn) -> Taps:
    kinds = draw(st.tuples(CODE_KINDS, WEIGHT_KINDS, SCALE_KINDS))
    pixels, taps = draw(st.integers(0, 20)), draw(st.sampled_from((9, 25)) | st.integers(1, 49))
    # One channel is not packed as depthwise.
    channels = draw(st.integers(2, 150))
    return taps_of(draw(GENERATORS), pixels, taps, channels, kinds, draw(ZERO_POINTS))


@every_isa("depthwise")
@given(taps_cases(), out_ranges().map(as_range))
def test_int8(isa: str, case: Taps, main: Range) -> None:
    expected = epilogue(case.result(), main, None)
    guarded = Guarded(expected.shape)
    _core.depthwise(isa, case.x, case.packed(), main, guarded.out)
    guarded.assert_holds(expected)


@every_isa("depthwise")
@given(taps_cases())
def test_float(isa: str, case: Taps) -> None:
    expected = case.result()
    guarded = Guarded(expected.shape, np.float32)
    _core.depthwise(isa, case.x, case.packed(), (0, -128, 127), guarded.out)
    guarded.assert_holds(expected)


@every_isa("depthwise")
@given(st.data(), taps_cases(), out_ranges().map(as_range))
def test_residual(isa: str, data: st.DataObject, case: Taps, main: Range) -> None:
    f = case.result()
    residual: Residual = data.draw(residuals(f.shape))
    guarded = Guarded(f.shape)
    _core.depthwise(isa, case.x, case.packed(), main, guarded.out, residual.argument(*f.shape))
    guarded.assert_holds(epilogue(f, main, residual))


@every_isa("depthwise")
@pytest.mark.parametrize("taps", [1, 9, 25])
@pytest.mark.parametrize("with_residual", [False, True])
def test_every_part_of_a_tile(isa: str, taps: int, with_residual: bool) -> None:
    """Any number of pixels and channels writes these and no others."""
    pixels, channels = 9, 130
    rng = np.random.default_rng(taps)
    case = taps_of(rng, pixels, taps, channels, ("random", "random", "natural"), 7)
    residual = (
        Residual(codes(rng, "random", (pixels, channels)), 0.7, 0.4, -3, (5, -100, 100))
        if with_residual
        else None
    )
    main = (-4, -110, 115)
    expected = epilogue(case.result(), main, residual)
    packed = case.packed()
    for some_pixels in range(1, pixels + 1):
        for some_channels in range(1, channels + 1):
            guarded = Guarded((some_pixels, some_channels), sentinel=SENTINELS[some_pixels % 2])
            argument = None if residual is None else residual.argument(some_pixels, some_channels)
            _core.depthwise(isa, case.x, packed, main, guarded.out, argument)
            guarded.assert_holds(
                expected[:some_pixels, :some_channels], f"{some_pixels} pixels, {some_channels} channels"
            )

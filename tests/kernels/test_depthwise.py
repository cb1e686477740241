"""The depthwise kernels, called directly."""

from dataclasses import dataclass, replace

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

Pair = tuple[int, int]


@dataclass(frozen=True)
class Image:
    """x [h, w, channels], weight [channels * multiplier, 1, kernel_h, kernel_w]."""

    x: reference.Int8
    weight: reference.Int8
    bias: reference.Int32
    scale: reference.Float32
    x_zero_point: int
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def packed(self) -> reference.Int8:
        packed: reference.Int8 = _core.pack_weights(
            self.weight, self.bias, self.scale, self.x.shape[2], self.x_zero_point
        )
        return packed

    def result(self) -> reference.Float32:
        """float(acc) * scale[c], float32 [out_h, out_w, channels]."""
        return reference.conv2d_float(
            self.x[None],
            self.weight,
            self.bias,
            self.scale,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.x.shape[2],
            x_zero_point=self.x_zero_point,
        )[0]

    def run(
        self,
        isa: str,
        main: Range,
        guarded: Guarded,
        out_w: int,
        residual: Residual | None = None,
        row: int = 0,
    ) -> None:
        """Output rows from `row` on, as many as `guarded` has."""
        pixels, channels = guarded.out.shape
        _core.depthwise(
            isa,
            np.ascontiguousarray(self.x[:, :, : channels * self.x.shape[2] // len(self.weight)]),
            self.packed(),
            main,
            guarded.out,
            out_w,
            None if residual is None else residual.argument(pixels, channels),
            self.stride,
            self.dilation,
            (self.padding[0], self.padding[2]),
            row,
        )


def image_of(
    rng: np.random.Generator,
    size: Pair,
    kernel: Pair,
    channels: int,
    kinds: tuple[str, str, str],
    zero_point: int,
    multiplier: int = 1,
) -> Image:
    """`kinds` of activations, weights and scales."""
    taps, out_channels = kernel[0] * kernel[1], channels * multiplier
    return Image(
        x=codes(rng, kinds[0], (*size, channels), zero_point),
        weight=codes(rng, kinds[1], (out_channels, 1, *kernel), lowest=-127),
        bias=rng.integers(-100, 100, out_channels, np.int32),
        scale=channel_scales(rng, kinds[2], out_channels, taps),
        x_zero_point=zero_point,
    )


@st.composite
def images(draw: DrawFn) -> Image:
    kinds = draw(st.tuples(CODE_KINDS, WEIGHT_KINDS, SCALE_KINDS))
    square = st.sampled_from(((3, 3), (5, 5)))
    kernel = draw(square | square | st.tuples(st.integers(1, 7), st.integers(1, 7)))
    stride, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    # At least one output pixel, at most a few.
    least = [
        max(1, d * (k - 1) + 1 - a - b)
        for d, k, a, b in zip(dilation, kernel, padding[::2], padding[1::2], strict=True)
    ]
    size = tuple(draw(st.integers(n, n + 6)) for n in least)
    # One channel is not packed as depthwise.
    channels, multiplier = draw(st.integers(2, 150)), draw(st.sampled_from((1, 1, 1, 2, 3)))
    image = image_of(
        draw(GENERATORS), (size[0], size[1]), kernel, channels, kinds, draw(ZERO_POINTS), multiplier
    )
    return replace(image, stride=stride, dilation=dilation, padding=padding)


def rows_of(f: reference.Float32) -> reference.Float32:
    """[out_h, out_w, channels] as [pixels, channels]."""
    return f.reshape(-1, f.shape[2])


@every_isa("depthwise")
@given(images(), out_ranges().map(as_range))
def test_int8(isa: str, image: Image, main: Range) -> None:
    f = image.result()
    expected = epilogue(rows_of(f), main, None)
    guarded = Guarded(expected.shape)
    image.run(isa, main, guarded, f.shape[1])
    guarded.assert_holds(expected)


@every_isa("depthwise")
@given(images())
def test_float(isa: str, image: Image) -> None:
    f = image.result()
    guarded = Guarded(rows_of(f).shape, np.float32)
    image.run(isa, (0, -128, 127), guarded, f.shape[1])
    guarded.assert_holds(rows_of(f))


@every_isa("depthwise")
@given(st.data(), images(), out_ranges().map(as_range))
def test_residual(isa: str, data: st.DataObject, image: Image, main: Range) -> None:
    f = image.result()
    residual: Residual = data.draw(residuals(rows_of(f).shape))
    guarded = Guarded(rows_of(f).shape)
    image.run(isa, main, guarded, f.shape[1], residual)
    guarded.assert_holds(epilogue(rows_of(f), main, residual))


@every_isa("depthwise")
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("with_residual", [False, True])
def test_every_part(isa: str, kernel: int, with_residual: bool) -> None:
    """Any rows and any number of channels write these and no others."""
    out_h, out_w, channels = 5, 3, 130
    rng = np.random.default_rng(kernel)
    size = (out_h + kernel - 1, out_w + kernel - 1)
    image = image_of(rng, size, (kernel, kernel), channels, ("random", "random", "natural"), 7)
    residual = (
        Residual(codes(rng, "random", (out_h * out_w, channels)), 0.7, 0.4, -3, (5, -100, 100))
        if with_residual
        else None
    )
    main = (-4, -110, 115)
    f = image.result()
    for some in range(1, channels + 1):
        row = some % out_h
        begin, end = row * out_w, (row + 1 + some % (out_h - row)) * out_w
        these = None if residual is None else replace(residual, data=residual.data[begin:])
        guarded = Guarded((end - begin, some), sentinel=SENTINELS[some % 2])
        image.run(isa, main, guarded, out_w, these, row)
        expected = epilogue(
            rows_of(f)[begin:end, :some],
            main,
            None if these is None else replace(these, data=these.data[: end - begin, :some]),
        )
        guarded.assert_holds(expected, f"rows from {row}, {end - begin} pixels, {some} channels")

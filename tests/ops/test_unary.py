"""lut, quantize and dequantize against the reference, byte for byte."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.ops.everywhere import assert_everywhere, tensor
from tests.strategies import (
    BATCHES,
    CHANNELS,
    GENERATORS,
    ZERO_POINTS,
    codes,
    floats_to_quantize,
    int8_arrays,
)

QUANTIZER_SCALES = st.floats(1e-6, 1e6) | st.sampled_from((1e-30, 1e30, 1.0, 0.5))
IMAGES = st.tuples(BATCHES, CHANNELS, st.integers(1, 9), st.integers(1, 20))


@given(int8_arrays(), GENERATORS)
def test_lut(x: reference.Int8, rng: np.random.Generator) -> None:
    table = codes(rng, "random", (256,))
    assert_everywhere("lut", reference.lut(x, table), x, table)


def test_lut_of_every_code() -> None:
    every_code = np.arange(-128, 128).astype(np.int8)
    table = every_code[::-1].copy()
    assert_everywhere("lut", table, every_code, table)


@given(st.data(), st.lists(st.integers(0, 7), max_size=3), CHANNELS, QUANTIZER_SCALES, ZERO_POINTS)
def test_quantize(data: st.DataObject, leading: list[int], last: int, scale: float, zero_point: int) -> None:
    x = data.draw(floats_to_quantize((*leading, last), scale))
    assert_everywhere("quantize", reference.quantize(x, scale, zero_point), x, scale, zero_point)


@given(int8_arrays(), QUANTIZER_SCALES, ZERO_POINTS)
def test_dequantize(x: reference.Int8, scale: float, zero_point: int) -> None:
    assert_everywhere("dequantize", reference.dequantize(x, scale, zero_point), x, scale, zero_point)


def strided(x: torch.Tensor, layout: str) -> torch.Tensor:
    """The same NCHW values with other strides; the memory between them holds NaN."""
    if layout == "channels_last":
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "whc":
        return x.permute(0, 3, 2, 1).contiguous().permute(0, 3, 2, 1)
    if layout == "spaced":
        n, c, h, w = x.shape
        spaced = torch.full((n, c + 1, h + 2, 2 * w), torch.nan)[:, 1:, 1:-1, ::2]
        spaced.copy_(x)
        return spaced
    return x


@given(
    st.data(),
    IMAGES,
    QUANTIZER_SCALES,
    ZERO_POINTS,
    st.sampled_from(("contiguous", "channels_last", "whc", "spaced", "expanded")),
)
def test_quantize_nhwc(
    data: st.DataObject, shape: tuple[int, int, int, int], scale: float, zero_point: int, layout: str
) -> None:
    if layout == "expanded":  # a stride of 0: a grey image repeated over its channels
        n, c, h, w = shape
        x = tensor(data.draw(floats_to_quantize((n, 1, h, w), scale))).expand(n, c, h, w)
    else:
        x = strided(tensor(data.draw(floats_to_quantize(shape, scale))), layout)
    expected = reference.quantize_nhwc(x.numpy(), scale, zero_point)
    assert_everywhere("quantize_nhwc", expected, x, scale, zero_point)


@given(IMAGES, GENERATORS, QUANTIZER_SCALES, ZERO_POINTS)
def test_dequantize_nchw(
    shape: tuple[int, int, int, int], rng: np.random.Generator, scale: float, zero_point: int
) -> None:
    n, c, h, w = shape
    x = codes(rng, "random", (n, h, w, c))
    expected = reference.dequantize_nchw(x, scale, zero_point)
    assert_everywhere("dequantize_nchw", expected, x, scale, zero_point)

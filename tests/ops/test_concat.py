"""concat, channel_shuffle and slice_channels against the reference, byte for byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.ops.everywhere import assert_everywhere
from tests.strategies import CHANNELS, CODE_KINDS, GENERATORS, SCALES, ZERO_POINTS, codes, int8_arrays


@given(st.data(), GENERATORS, SCALES, ZERO_POINTS)
def test_concat(data: st.DataObject, rng: np.random.Generator, out_scale: float, out_zero_point: int) -> None:
    shape = [*data.draw(st.lists(st.integers(0, 5), max_size=3)), data.draw(CHANNELS)]
    dim = data.draw(st.integers(0, len(shape) - 1))
    parts = []
    for size in data.draw(st.lists(st.integers(0, 70), min_size=1, max_size=5)):
        part = [*shape[:dim], size, *shape[dim + 1 :]]
        # Half of the parts have the output's scale and zero point: they are copied.
        qparams = data.draw(st.just((out_scale, out_zero_point)) | st.tuples(SCALES, ZERO_POINTS))
        parts.append((codes(rng, data.draw(CODE_KINDS), tuple(part)), *qparams))
    xs, scales, zero_points = map(list, zip(*parts, strict=True))
    expected = reference.concat(xs, dim, scales, zero_points, out_scale, out_zero_point)
    for spelled in (dim, dim - len(shape)):
        assert_everywhere(
            "concat",
            expected,
            xs,
            spelled,
            scales,
            zero_points,
            out_scale,
            out_zero_point,
        )


@given(st.data(), GENERATORS, st.integers(1, 8), st.integers(1, 12))
def test_channel_shuffle(data: st.DataObject, rng: np.random.Generator, groups: int, each: int) -> None:
    leading = data.draw(st.lists(st.integers(0, 6), max_size=3))
    x = codes(rng, "random", (*leading, groups * each))
    assert_everywhere("channel_shuffle", reference.channel_shuffle(x, groups), x, groups)


@given(int8_arrays(), st.data())
def test_slice_channels(x: reference.Int8, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, x.shape[-1] - 1))
    end = data.draw(st.integers(start + 1, x.shape[-1]))
    assert_everywhere("slice_channels", reference.slice_channels(x, start, end), x, start, end)

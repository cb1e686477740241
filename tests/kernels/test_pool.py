"""The pooling kernels, called directly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobilekernels import _core
from tests import reference
from tests.kernels.accumulators import Range, as_range
from tests.kernels.listed import Guarded, every_isa
from tests.strategies import CODE_KINDS, GENERATORS, channel_scales, codes, out_ranges

CHANNELS = st.integers(1, 200)
COUNTS = st.sampled_from((1, 4, 9, 49)) | st.integers(1, 300)


@every_isa("pool")
@given(CHANNELS, st.data(), GENERATORS, CODE_KINDS)
def test_max_line(isa: str, channels: int, data: st.DataObject, rng: np.random.Generator, kind: str) -> None:
    rows, columns, column_step, pixels, pixel_step = (
        data.draw(st.integers(1, most)) for most in (5, 5, 3, 9, 3)
    )
    first, beyond = (data.draw(st.integers(0, 2)) for _ in range(2))
    width = first + (pixels - 1) * pixel_step + (columns - 1) * column_step + 1 + beyond
    x = codes(rng, kind, (rows, width, channels))
    taps = first + pixel_step * np.arange(pixels)[:, None] + column_step * np.arange(columns)
    guarded = Guarded((pixels * channels,))
    _core.pool_max_line(isa, x, first, columns, column_step, pixels, pixel_step, guarded.out)
    guarded.assert_holds(x[:, taps].max(axis=(0, 2)).reshape(-1))


@every_isa("pool")
@given(COUNTS | st.just(0), CHANNELS, GENERATORS, CODE_KINDS)
def test_accumulate(isa: str, count: int, channels: int, rng: np.random.Generator, kind: str) -> None:
    x = codes(rng, kind, (count, channels))
    before = rng.integers(-(2**30), 2**30, channels, np.int32)
    guarded = Guarded((channels,), np.int32)
    guarded.out[:] = before
    _core.pool_accumulate(isa, x, guarded.out)
    guarded.assert_holds(before + x.sum(axis=0, dtype=np.int32))


@every_isa("pool")
@given(
    CHANNELS,
    GENERATORS,
    st.integers(0, 2**23),
    st.sampled_from(("natural", "ties", "tiny", "saturating")),
    out_ranges().map(as_range),
)
def test_finish(
    isa: str, channels: int, rng: np.random.Generator, count: int, kind: str, output: Range
) -> None:
    """Sums of up to 2**23 codes, the zero point of each of them in `offset`."""
    sums = rng.integers(-128 * count, 127 * count, channels, np.int32, endpoint=True)
    offset = count * int(rng.integers(-128, 128))
    scale = channel_scales(rng, kind, 1, 1)[0]
    f = reference.times(sums.astype(np.int64) - offset, scale)
    guarded = Guarded((channels,))
    _core.pool_finish(isa, sums, offset, float(scale), output, guarded.out)
    guarded.assert_holds(reference.requantize(f, *output))

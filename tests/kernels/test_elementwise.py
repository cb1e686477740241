"""The elementwise kernels, called directly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobilekernels import _core
from tests import reference
from tests.kernels.accumulators import Range, as_range
from tests.kernels.listed import Guarded, every_isa
from tests.strategies import (
    CODE_KINDS,
    GENERATORS,
    SCALES,
    ZERO_POINTS,
    codes,
    floats_to_quantize,
    out_ranges,
)

LENGTHS = st.integers(0, 200)
RANGES = out_ranges().map(as_range)


@st.composite
def operands(draw: st.DrawFn) -> tuple[reference.Int8, reference.Int8, int]:
    """Two operands, of `n` values or one each, and n."""
    n, rng = draw(LENGTHS), draw(GENERATORS)
    a, b = (codes(rng, draw(CODE_KINDS), (1 if draw(st.integers(0, 4)) == 0 else n,)) for _ in range(2))
    return a, b, n


@every_isa("elementwise")
@given(operands(), SCALES, SCALES, ZERO_POINTS, ZERO_POINTS, RANGES)
def test_add(
    isa: str,
    pair: tuple[reference.Int8, reference.Int8, int],
    a_scale: float,
    b_scale: float,
    a_zero_point: int,
    b_zero_point: int,
    output: Range,
) -> None:
    a, b, n = pair
    left = reference.times(reference.centered(a, a_zero_point), np.float32(a_scale))
    right = reference.times(reference.centered(b, b_zero_point), np.float32(b_scale))
    guarded = Guarded((n,))
    _core.add(isa, a, b, a_zero_point, a_scale, b_zero_point, b_scale, output, guarded.out)
    guarded.assert_holds(np.broadcast_to(reference.requantize(left + right, *output), (n,)))


@every_isa("elementwise")
@given(operands(), SCALES, ZERO_POINTS, ZERO_POINTS, RANGES)
def test_mul(
    isa: str,
    pair: tuple[reference.Int8, reference.Int8, int],
    scale: float,
    a_zero_point: int,
    b_zero_point: int,
    output: Range,
) -> None:
    a, b, n = pair
    product = reference.centered(a, a_zero_point) * reference.centered(b, b_zero_point)
    expected = reference.requantize(reference.times(product, np.float32(scale)), *output)
    guarded = Guarded((n,))
    _core.mul(isa, a, b, a_zero_point, b_zero_point, scale, output, guarded.out)
    guarded.assert_holds(np.broadcast_to(expected, (n,)))


@every_isa("elementwise")
@given(LENGTHS, GENERATORS, CODE_KINDS)
def test_lut(isa: str, n: int, rng: np.random.Generator, kind: str) -> None:
    x, table = codes(rng, kind, (n,)), codes(rng, "random", (256,))
    guarded = Guarded((n,))
    _core.lut(isa, x, table, guarded.out)
    guarded.assert_holds(reference.lut(x, table))


@every_isa("elementwise")
@given(st.data(), LENGTHS, SCALES, RANGES)
def test_quantize(isa: str, data: st.DataObject, n: int, scale: float, output: Range) -> None:
    x = data.draw(floats_to_quantize((n,), scale))
    inverse_scale = 1.0 / scale
    f = reference.times(x, np.float32(inverse_scale))
    rounded = reference.requantize(np.nan_to_num(f, nan=0.0), *output)
    guarded = Guarded((n,))
    _core.quantize(isa, x, inverse_scale, output, guarded.out)
    guarded.assert_holds(np.where(np.isnan(f), np.int8(output[1]), rounded))


@every_isa("elementwise")
@given(st.data(), LENGTHS, SCALES, RANGES)
def test_quantize3(isa: str, data: st.DataObject, n: int, scale: float, output: Range) -> None:
    x = data.draw(floats_to_quantize((3, n), scale))
    inverse_scale = 1.0 / scale
    f = reference.times(x, np.float32(inverse_scale))
    rounded = reference.requantize(np.nan_to_num(f, nan=0.0), *output)
    guarded = Guarded((3 * n,))
    _core.quantize3(isa, x, inverse_scale, output, guarded.out)
    guarded.assert_holds(np.where(np.isnan(f), np.int8(output[1]), rounded).T.reshape(-1))


@every_isa("elementwise")
@given(LENGTHS, GENERATORS, CODE_KINDS, SCALES, ZERO_POINTS)
def test_dequantize(
    isa: str, n: int, rng: np.random.Generator, kind: str, scale: float, zero_point: int
) -> None:
    x = codes(rng, kind, (n,), zero_point)
    guarded = Guarded((n,), np.float32)
    _core.dequantize(isa, x, scale, zero_point, guarded.out)
    guarded.assert_holds(reference.dequantize(x, scale, zero_point))


def key_of(value: np.float32) -> int:
    """The bits of a float, as an integer that is ordered as floats are."""
    bits = int(value.view(np.int32))
    return bits if bits >= 0 else bits ^ 0x7FFFFFFF


@every_isa("elementwise")
@given(st.data(), LENGTHS)
def test_widen(isa: str, data: st.DataObject, n: int) -> None:
    x = data.draw(floats_to_quantize((n,), 1.0))
    keys = [0, *(key_of(value) for value in x)]
    assert _core.widen(isa, x) == (min(keys), max(keys))


@every_isa("elementwise")
def test_widen_orders_every_kind_of_float(isa: str) -> None:
    ordered = [-np.inf, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, np.inf]
    values = np.array(ordered, np.float32)
    nan = np.float32(np.nan)
    for i, value in enumerate(values):
        assert _core.widen(isa, values[i:]) == (min(key_of(value), 0), 0x7F800000)
        assert _core.widen(isa, values[: i + 1]) == (~0x7F800000, max(key_of(value), 0))
    for sign in (1, -1):
        spoilt = np.tile(values, 9)
        spoilt[50] = np.copysign(nan, np.float32(sign))
        low, high = _core.widen(isa, spoilt)
        assert (low < ~0x7F800000, high > 0x7F800000) == (sign < 0, sign > 0)


@every_isa("elementwise")
@given(st.integers(0, 4), LENGTHS, GENERATORS, CODE_KINDS)
def test_interleave2(isa: str, rows: int, n: int, rng: np.random.Generator, kind: str) -> None:
    x = codes(rng, kind, (rows, 2, n))
    guarded = Guarded((rows * 2 * n,))
    _core.interleave2(isa, x, guarded.out)
    guarded.assert_holds(x.transpose(0, 2, 1).reshape(-1))

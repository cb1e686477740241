"""add and mul with NumPy broadcasting against the reference, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.ops.everywhere import assert_everywhere
from tests.strategies import SCALES, ZERO_POINTS, Arguments, broadcast_pairs, out_ranges

REFERENCES = {"add": reference.add, "mul": reference.mul}
# Ratios from what always rounds to zero to what always saturates.
WIDE_SCALES = SCALES | st.sampled_from((1e-12, 1e12))


@pytest.mark.parametrize("name", REFERENCES)
@given(broadcast_pairs(), st.tuples(WIDE_SCALES, WIDE_SCALES, SCALES), ZERO_POINTS, ZERO_POINTS, out_ranges())
def test_binary(
    name: str,
    pair: tuple[reference.Int8, reference.Int8],
    scales: tuple[float, float, float],
    a_zero_point: int,
    b_zero_point: int,
    out_range: Arguments,
) -> None:
    a, b = pair
    arguments: Arguments = {
        "a_scale": scales[0],
        "a_zero_point": a_zero_point,
        "b_scale": scales[1],
        "b_zero_point": b_zero_point,
        "out_scale": scales[2],
        **out_range,
    }
    expected = REFERENCES[name](a, b, **arguments)
    assert_everywhere(name, expected, a, b, **arguments)

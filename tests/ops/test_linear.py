"""linear and linear_float against the reference, byte for byte."""

import numpy as np
from hypothesis import given

from tests import reference
from tests.ops.everywhere import assert_everywhere, pack
from tests.strategies import Arguments, Layer, linears, out_ranges


@given(linears(), out_ranges())
def test_linear(layer: Layer, out_range: Arguments) -> None:
    expected = reference.linear(
        layer.x, layer.weight, layer.bias, layer.scale, x_zero_point=layer.x_zero_point, **out_range
    )
    features = layer.weight.shape[0]
    assert_everywhere("linear", expected, layer.x, pack(layer), features, layer.x_zero_point, **out_range)


@given(linears())
def test_linear_float(layer: Layer) -> None:
    expected = reference.linear_float(
        layer.x, layer.weight, layer.bias, layer.scale, x_zero_point=layer.x_zero_point
    )
    features = layer.weight.shape[0]
    assert_everywhere("linear_float", expected, layer.x, pack(layer), features, layer.x_zero_point)


def test_linear_at_the_largest_sums_int32_holds() -> None:
    """(127 + 128) * 127 * 66,000 terms is just below 2**31: the longest dot product that may be packed."""
    terms = 66_000
    x = np.full((3, terms), 127, np.int8)
    weight = np.full((18, terms), -127, np.int8)
    weight[1::2] = 127
    layer = Layer(x, weight, None, np.full(18, 2.0**-24, np.float32), x_zero_point=-128)
    out_range: Arguments = {"out_zero_point": 3, "out_min": -128, "out_max": 127}
    expected = reference.linear(x, weight, None, layer.scale, x_zero_point=-128, **out_range)
    assert_everywhere("linear", expected, x, pack(layer), 18, -128, **out_range)

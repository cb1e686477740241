"""conv2d, conv2d_float and conv2d_add against the reference, byte for byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.ops.everywhere import assert_everywhere, pack, window_arguments
from tests.strategies import (
    CODE_KINDS,
    GENERATORS,
    SCALES,
    ZERO_POINTS,
    Arguments,
    Layer,
    codes,
    layers,
    out_ranges,
    output_shape,
)


def layer_arguments(layer: Layer) -> Arguments:
    return layer.geometry | {"x_zero_point": layer.x_zero_point}


@given(layers(), out_ranges())
def test_conv2d(layer: Layer, out_range: Arguments) -> None:
    expected = reference.conv2d(
        layer.x, layer.weight, layer.bias, layer.scale, **layer_arguments(layer), **out_range
    )
    assert expected.shape == output_shape(layer)
    assert_everywhere("conv2d", expected, layer.x, pack(layer), *window_arguments(layer), **out_range)


@given(layers())
def test_conv2d_float(layer: Layer) -> None:
    expected = reference.conv2d_float(
        layer.x, layer.weight, layer.bias, layer.scale, **layer_arguments(layer)
    )
    assert_everywhere("conv2d_float", expected, layer.x, pack(layer), *window_arguments(layer))


@given(
    layers(),
    out_ranges(),
    out_ranges(),
    st.tuples(SCALES, SCALES, SCALES),
    ZERO_POINTS,
    GENERATORS,
    CODE_KINDS,
)
def test_conv2d_add(
    layer: Layer,
    conv_range: Arguments,
    out_range: Arguments,
    scales: tuple[float, float, float],
    residual_zero_point: int,
    rng: np.random.Generator,
    kind: str,
) -> None:
    residual = codes(rng, kind, output_shape(layer), residual_zero_point)
    conv_scale, residual_scale, out_scale = scales
    added: Arguments = {
        "conv_scale": conv_scale,
        "conv_zero_point": conv_range["out_zero_point"],
        "conv_min": conv_range["out_min"],
        "conv_max": conv_range["out_max"],
        "residual_scale": residual_scale,
        "residual_zero_point": residual_zero_point,
        "out_scale": out_scale,
        **out_range,
    }
    expected = reference.conv2d_add(
        layer.x,
        layer.weight,
        layer.bias,
        layer.scale,
        residual,
        **layer_arguments(layer),
        **added,
    )
    assert_everywhere(
        "conv2d_add",
        expected,
        layer.x,
        pack(layer),
        residual,
        *window_arguments(layer),
        **added,
    )

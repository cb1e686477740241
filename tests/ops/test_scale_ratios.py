"""A ratio of scales is computed in double from the given doubles and rounded once to float32.

With the scales of this file the ratio so rounded is k + 1/2, and products with it are ties. Scales that are
rounded to float32 first give a neighbour of k + 1/2, and half of the ties go the other way.
"""

from typing import Any

import numpy as np
import pytest

from tests import reference
from tests.ops.everywhere import assert_everywhere, pack, window_arguments
from tests.strategies import Arguments, Layer

OUT: Arguments = {"out_zero_point": 0, "out_min": -128, "out_max": 127}
EVERY_CODE = np.arange(-128, 128).astype(np.int8)
NOTHING = np.zeros(256, np.int8)


def binary_arguments(a_scale: float, b_scale: float, out_scale: float) -> Arguments:
    return {
        "a_scale": a_scale,
        "a_zero_point": 0,
        "b_scale": b_scale,
        "b_zero_point": 0,
        "out_scale": out_scale,
        **OUT,
    }


def test_the_scales_are_such() -> None:
    for given, out in ((0.9, 0.6), (0.45, 0.3)):
        assert np.float32(given / out) == 1.5
        assert np.float32(given) / np.float32(out) != 1.5
    assert np.float32(0.9 * 0.45 / 0.27) == 1.5
    product = np.float32(0.9) * np.float32(0.45)
    assert product / np.float32(0.27) != 1.5
    assert np.float32(float(product) / 0.27) != 1.5
    assert np.float32(0.09 / (0.02 * 9)) == 0.5
    assert np.float32(0.09) / (np.float32(0.02) * np.float32(9)) != 0.5
    assert np.float32(1 / 0.007) != np.float32(1) / np.float32(0.007)


@pytest.mark.parametrize(("a", "b"), [(EVERY_CODE, NOTHING), (NOTHING, EVERY_CODE)])
def test_add(a: reference.Int8, b: reference.Int8) -> None:
    arguments = binary_arguments(0.9, 0.9, 0.6)
    assert_everywhere("add", reference.add(a, b, **arguments), a, b, **arguments)


def test_mul() -> None:
    b = np.ones(256, np.int8)
    arguments = binary_arguments(0.9, 0.45, 0.27)
    assert_everywhere("mul", reference.mul(EVERY_CODE, b, **arguments), EVERY_CODE, b, **arguments)


def test_concat() -> None:
    arguments: tuple[Any, ...] = ([EVERY_CODE, EVERY_CODE], 0, [0.9, 0.45], [0, 0], 0.6, 0)
    assert_everywhere("concat", reference.concat(*arguments), *arguments)


@pytest.mark.parametrize(("main", "residual"), [(EVERY_CODE, NOTHING), (NOTHING, EVERY_CODE)])
def test_conv2d_add(main: reference.Int8, residual: reference.Int8) -> None:
    """One channel, a weight of 1: the convolution's own result is its input."""
    layer = Layer(
        x=main.reshape(1, 16, 16, 1),
        weight=np.ones((1, 1, 1, 1), np.int8),
        bias=None,
        scale=np.ones(1, np.float32),
        x_zero_point=0,
        geometry={"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "groups": 1},
    )
    added: Arguments = {
        "conv_scale": 0.9,
        "conv_zero_point": 0,
        "conv_min": -128,
        "conv_max": 127,
        "residual_scale": 0.45,
        "residual_zero_point": 0,
        "out_scale": 0.6 if main is EVERY_CODE else 0.3,
        **OUT,
    }
    image = residual.reshape(1, 16, 16, 1)
    expected = reference.conv2d_add(
        layer.x, layer.weight, None, layer.scale, image, x_zero_point=0, **layer.geometry, **added
    )
    given = (layer.x, pack(layer), image, *window_arguments(layer))
    assert_everywhere("conv2d_add", expected, *given, **added)


POOLED: Arguments = {"x_scale": 0.09, "x_zero_point": 0, "out_scale": 0.02, **OUT}
# Nine values of a window: one code and eight zeros.
WINDOWS = np.zeros((1, 3, 3, 256), np.int8)
WINDOWS[0, 1, 1] = EVERY_CODE


def test_avg_pool2d() -> None:
    arguments = (WINDOWS, (3, 3), (1, 1), (0, 0, 0, 0), False, True, 0)
    assert_everywhere("avg_pool2d", reference.avg_pool2d(*arguments, **POOLED), *arguments, **POOLED)


def test_adaptive_avg_pool2d() -> None:
    arguments = (WINDOWS, (1, 1))
    expected = reference.adaptive_avg_pool2d(*arguments, **POOLED)
    assert_everywhere("adaptive_avg_pool2d", expected, *arguments, **POOLED)


def test_quantize() -> None:
    """The reciprocal of the scale likewise: halves of a quantum, and what lies next to them in float32."""
    halves = ((np.arange(-130, 130) + 0.5) * 0.007).astype(np.float32)
    x = np.concatenate([np.nextafter(halves, np.float32(-9)), halves, np.nextafter(halves, np.float32(9))])
    expected = reference.quantize(x, 0.007, 0)
    scale_rounded_first = np.float32(1) / np.float32(0.007)
    assert np.any(expected != reference.requantize(x * scale_rounded_first, 0))
    assert_everywhere("quantize", expected, x, 0.007, 0)
    nchw = x.reshape(1, 3, 26, 10)
    assert_everywhere("quantize_nhwc", reference.quantize_nhwc(nchw, 0.007, 0), nchw, 0.007, 0)

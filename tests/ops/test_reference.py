"""The NumPy reference itself: against loops over Python integers, against torch, against real arithmetic."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.ao.quantization.fx._decomposed
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.strategies import (
    SCALES,
    ZERO_POINTS,
    Arguments,
    Layer,
    PoolCase,
    broadcast_pairs,
    floats_to_quantize,
    layers,
    pools,
)

FULL: Arguments = {"out_zero_point": 0, "out_min": -128, "out_max": 127}


def assert_nearest(q: reference.Int8, real: npt.NDArray[np.float64], zero_point: int = 0) -> None:
    """q is the code nearest to `real`, up to what three float32 roundings may do to a tie."""
    allowed = 0.5 + 4 * np.finfo(np.float32).eps * np.abs(real)
    inside = np.clip(real, -128 - zero_point, 127 - zero_point)
    assert np.all(np.abs(q.astype(np.float64) - zero_point - inside) <= allowed)


@given(layers(most_channels=3))
def test_conv2d_equals_loops(layer: Layer) -> None:
    arguments = layer.geometry | {"x_zero_point": layer.x_zero_point}
    acc = reference.conv2d_accumulators(layer.x, layer.weight, layer.bias, **arguments)
    np.testing.assert_array_equal(
        acc, reference.conv2d_loops(layer.x, layer.weight, layer.bias, **arguments), strict=True
    )


@given(layers())
def test_conv2d_equals_torch_in_float64(layer: Layer) -> None:
    geometry = layer.geometry
    top, bottom, left, right = geometry["padding"]
    real = torch.from_numpy(reference.centered(layer.x, layer.x_zero_point)).permute(0, 3, 1, 2).double()
    expected = torch.nn.functional.conv2d(
        torch.nn.functional.pad(real, (left, right, top, bottom)),
        torch.from_numpy(layer.weight).double(),
        None if layer.bias is None else torch.from_numpy(layer.bias).double(),
        geometry["stride"],
        0,
        geometry["dilation"],
        geometry["groups"],
    )
    acc = reference.conv2d_accumulators(
        layer.x, layer.weight, layer.bias, **geometry, x_zero_point=layer.x_zero_point
    )
    np.testing.assert_array_equal(acc, expected.permute(0, 2, 3, 1).long().numpy(), strict=True)


def test_accumulator_outside_int32_is_refused() -> None:
    x = np.full((1, 4), 127, np.int8)
    weight = np.full((1, 4), 127, np.int8)
    with pytest.raises(OverflowError):
        reference.linear_float(
            x, weight, np.array([2**31 - 1], np.int32), np.ones(1, np.float32), x_zero_point=0
        )


@given(st.data(), st.floats(1e-6, 1e3), ZERO_POINTS)
def test_quantize_equals_quantized_decomposed(data: st.DataObject, scale: float, zero_point: int) -> None:
    x = data.draw(floats_to_quantize((3, 40), scale))
    x = x[np.isfinite(x)]
    expected = torch.ops.quantized_decomposed.quantize_per_tensor(
        torch.from_numpy(x), scale, zero_point, -128, 127, torch.int8
    )
    np.testing.assert_array_equal(reference.quantize(x, scale, zero_point), expected.numpy(), strict=True)


def test_quantize_of_nan_and_infinities() -> None:
    x = np.array([np.nan, -np.nan, np.inf, -np.inf], np.float32)
    assert reference.quantize(x, 0.1, 5).tolist() == [-128, -128, 127, -128]


def test_requantize_rounds_half_to_even() -> None:
    f = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 127.5, np.inf, -np.inf], np.float32)
    assert reference.requantize(f, 0).tolist() == [0, 2, 2, 0, -2, -2, 126, 127, 127, -128]
    assert reference.requantize(f, 1, 0, 3).tolist() == [1, 3, 3, 1, 0, 0, 3, 3, 3, 0]


def test_quantize_inverts_dequantize() -> None:
    every_code = np.arange(-128, 128).astype(np.int8)
    for zero_point in (-128, -3, 0, 127):
        real = reference.dequantize(every_code, 0.037, zero_point)
        np.testing.assert_array_equal(reference.quantize(real, 0.037, zero_point), every_code, strict=True)


@given(broadcast_pairs(), SCALES, SCALES, SCALES, ZERO_POINTS, ZERO_POINTS)
def test_add_and_mul_are_nearest(
    pair: tuple[reference.Int8, reference.Int8], sa: float, sb: float, so: float, za: int, zb: int
) -> None:
    a, b = pair
    qparams: Arguments = {
        "a_scale": sa,
        "a_zero_point": za,
        "b_scale": sb,
        "b_zero_point": zb,
        "out_scale": so,
    }
    real_a, real_b = sa * (a.astype(np.float64) - za), sb * (b.astype(np.float64) - zb)
    assert_nearest(reference.mul(a, b, **qparams, **FULL), real_a * real_b / so)
    # A sum may cancel: what float32 loses goes with the terms.
    total = reference.add(a, b, **qparams, **FULL).astype(np.float64)
    allowed = 0.5 + 4 * np.finfo(np.float32).eps * (np.abs(real_a) + np.abs(real_b)) / so
    assert np.all(np.abs(total - np.clip((real_a + real_b) / so, -128, 127)) <= allowed)


@given(pools(dilated=True, as_torch=True))
def test_max_pool2d_equals_torch(case: PoolCase) -> None:
    x = torch.from_numpy(case.x).permute(0, 3, 1, 2).double()
    pads = (case.padding[0], case.padding[2])
    expected = torch.nn.functional.max_pool2d(
        x, case.kernel_size, case.stride, pads, case.dilation, case.ceil_mode
    )
    # A dilated window may step over the whole image: torch has -inf there, int8 its lowest code.
    codes = expected.clamp(min=-128).permute(0, 2, 3, 1).to(torch.int8)
    q = reference.max_pool2d(
        case.x, case.kernel_size, case.stride, case.padding, case.dilation, case.ceil_mode
    )
    np.testing.assert_array_equal(q, codes.numpy(), strict=True)


@given(pools(dilated=False, as_torch=True), st.booleans(), st.sampled_from((0, 1, 7)), SCALES)
def test_avg_pool2d_is_nearest_to_torch(
    case: PoolCase, count_include_pad: bool, divisor_override: int, scale: float
) -> None:
    x = torch.from_numpy(reference.centered(case.x, case.x_zero_point)).permute(0, 3, 1, 2).double() * scale
    expected = torch.nn.functional.avg_pool2d(
        x,
        case.kernel_size,
        case.stride,
        (case.padding[0], case.padding[2]),
        case.ceil_mode,
        count_include_pad,
        divisor_override or None,
    )
    q = reference.avg_pool2d(
        case.x,
        case.kernel_size,
        case.stride,
        case.padding,
        case.ceil_mode,
        count_include_pad,
        divisor_override,
        x_scale=scale,
        x_zero_point=case.x_zero_point,
        out_scale=1.0,
        **FULL,
    )
    assert q.shape == tuple(expected.permute(0, 2, 3, 1).shape)
    assert_nearest(q, expected.permute(0, 2, 3, 1).numpy())


@given(pools(dilated=False), st.integers(1, 6), st.integers(1, 6), SCALES)
def test_adaptive_avg_pool2d_is_nearest_to_torch(
    case: PoolCase, out_h: int, out_w: int, scale: float
) -> None:
    x = torch.from_numpy(reference.centered(case.x, case.x_zero_point)).permute(0, 3, 1, 2).double() * scale
    expected = torch.nn.functional.adaptive_avg_pool2d(x, (out_h, out_w))
    q = reference.adaptive_avg_pool2d(
        case.x, (out_h, out_w), x_scale=scale, x_zero_point=case.x_zero_point, out_scale=1.0, **FULL
    )
    assert_nearest(q, expected.permute(0, 2, 3, 1).numpy())


def test_channel_shuffle_equals_torch() -> None:
    x = np.arange(2 * 3 * 3 * 12).reshape(2, 3, 3, 12).astype(np.int8)
    expected = torch.nn.functional.channel_shuffle(torch.from_numpy(x).permute(0, 3, 1, 2), 3).permute(
        0, 2, 3, 1
    )
    np.testing.assert_array_equal(reference.channel_shuffle(x, 3), expected.numpy(), strict=True)

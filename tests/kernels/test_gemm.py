"""The GEMM kernels, called directly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mobilekernels import _core
from tests import reference
from tests.kernels.accumulators import Range, Residual, as_range, epilogue, residuals
from tests.kernels.listed import SENTINELS, Guarded, every_isa
from tests.strategies import Layer, channel_scales, codes, linears, out_ranges


def pack(layer: Layer) -> reference.Int8:
    weight = layer.weight.reshape(*layer.weight.shape, 1, 1)
    packed: reference.Int8 = _core.pack_weights(
        weight, layer.bias, layer.scale, layer.groups, layer.x_zero_point
    )
    return packed


def linear_float(layer: Layer) -> reference.Float32:
    return reference.linear_float(
        layer.x, layer.weight, layer.bias, layer.scale, x_zero_point=layer.x_zero_point
    )


@st.composite
def matrices(draw: DrawFn) -> Layer:
    return draw(linears(leading=(draw(st.integers(0, 40)),)))


@every_isa("gemm")
@given(matrices(), out_ranges().map(as_range))
def test_int8(isa: str, layer: Layer, main: Range) -> None:
    expected = epilogue(linear_float(layer), main, None)
    guarded = Guarded(expected.shape)
    _core.gemm(isa, layer.x, pack(layer), main, guarded.out)
    guarded.assert_holds(expected)


@every_isa("gemm")
@given(matrices())
def test_float(isa: str, layer: Layer) -> None:
    expected = linear_float(layer)
    guarded = Guarded(expected.shape, np.float32)
    _core.gemm(isa, layer.x, pack(layer), (0, -128, 127), guarded.out)
    guarded.assert_holds(expected)


@every_isa("gemm")
@given(st.data(), matrices(), out_ranges().map(as_range))
def test_residual(isa: str, data: st.DataObject, layer: Layer, main: Range) -> None:
    f = linear_float(layer)
    residual: Residual = data.draw(residuals(f.shape))
    guarded = Guarded(f.shape)
    _core.gemm(isa, layer.x, pack(layer), main, guarded.out, residual.argument(*f.shape))
    guarded.assert_holds(epilogue(f, main, residual))


@every_isa("gemm")
@pytest.mark.parametrize("k", [1, 4, 6, 67])
@pytest.mark.parametrize("with_residual", [False, True])
def test_every_part_of_a_tile(isa: str, k: int, with_residual: bool) -> None:
    """Any number of rows and channels up to one more than the register tile writes these and no others."""
    mr, nr, _, _ = _core.gemm_tile(isa)
    rng = np.random.default_rng(k)
    shape = (mr + 1, nr + 1)
    layer = Layer(
        x=codes(rng, "random", (mr + 1, k)),
        weight=codes(rng, "random", (nr + 1, k), lowest=-127),
        bias=rng.integers(-5000, 5000, nr + 1, np.int32),
        scale=channel_scales(rng, "natural", nr + 1, k),
        x_zero_point=11,
    )
    residual = Residual(codes(rng, "random", shape), 0.7, 0.4, -3, (5, -100, 100)) if with_residual else None
    main = (-4, -110, 115)
    expected = epilogue(linear_float(layer), main, residual)
    packed = pack(layer)
    for rows in range(1, mr + 2):
        for channels in range(1, nr + 2):
            guarded = Guarded((rows, channels), sentinel=SENTINELS[rows % 2])
            argument = None if residual is None else residual.argument(rows, channels)
            _core.gemm(isa, layer.x, packed, main, guarded.out, argument)
            guarded.assert_holds(expected[:rows, :channels], f"{rows} rows, {channels} channels")


@every_isa("gemm")
def test_group(isa: str) -> None:
    """The weights, tables and sums of a group are its own."""
    rng = np.random.default_rng(0)
    groups, each, k = 3, 21, 9
    weight = codes(rng, "random", (groups * each, k), lowest=-127)
    bias = rng.integers(-5000, 5000, groups * each, np.int32)
    scale = channel_scales(rng, "natural", groups * each, k)
    packed = _core.pack_weights(weight.reshape(groups * each, k, 1, 1), bias, scale, groups, -6)
    x = codes(rng, "random", (5, k))
    for group in range(groups):
        own = slice(group * each, (group + 1) * each)
        layer = Layer(x, weight[own], bias[own], scale[own], x_zero_point=-6)
        guarded = Guarded((5, each))
        _core.gemm(isa, x, packed, (3, -128, 127), guarded.out, group=group)
        guarded.assert_holds(epilogue(linear_float(layer), (3, -128, 127), None), f"group {group}")

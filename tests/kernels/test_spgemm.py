"""The block-sparse GEMM kernels, called directly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mobilekernels import _core
from tests import reference
from tests.kernels.accumulators import Range, Residual, as_range, epilogue, residuals
from tests.kernels.listed import SENTINELS, Guarded, every_isa
from tests.ops.everywhere import pack
from tests.strategies import Block, Layer, channel_scales, codes, linears, out_ranges, zero_blocks

BLOCKS = ((4, 4), (1, 4))


def linear_float(layer: Layer) -> reference.Float32:
    return reference.linear_float(
        layer.x, layer.weight, layer.bias, layer.scale, x_zero_point=layer.x_zero_point
    )


@st.composite
def matrices(draw: DrawFn) -> Layer:
    layer = draw(linears(leading=(draw(st.integers(1, 70)),)))
    block = layer.block or draw(st.sampled_from(BLOCKS))
    return replace(layer, block=block)


def made(rows: int, channels: int, k: int, block: Block, kept: float) -> Layer:
    rng = np.random.default_rng(k)
    weight = codes(rng, "random", (channels, k), lowest=-127)
    return Layer(
        x=codes(rng, "random", (rows, k)),
        weight=zero_blocks(rng, weight, 1, block, kept),
        bias=rng.integers(-5000, 5000, channels, np.int32),
        scale=channel_scales(rng, "natural", channels, k),
        x_zero_point=11,
        block=block,
    )


@every_isa("spgemm")
@given(matrices(), out_ranges().map(as_range))
def test_int8(isa: str, layer: Layer, main: Range) -> None:
    expected = epilogue(linear_float(layer), main, None)
    guarded = Guarded(expected.shape)
    _core.spgemm(isa, layer.x, pack(layer), main, guarded.out)
    guarded.assert_holds(expected)


@every_isa("spgemm")
@given(matrices())
def test_float(isa: str, layer: Layer) -> None:
    expected = linear_float(layer)
    guarded = Guarded(expected.shape, np.float32)
    _core.spgemm(isa, layer.x, pack(layer), (0, -128, 127), guarded.out)
    guarded.assert_holds(expected)


@every_isa("spgemm")
@given(st.data(), matrices(), out_ranges().map(as_range))
def test_residual(isa: str, data: st.DataObject, layer: Layer, main: Range) -> None:
    f = linear_float(layer)
    residual: Residual = data.draw(residuals(f.shape))
    guarded = Guarded(f.shape)
    _core.spgemm(isa, layer.x, pack(layer), main, guarded.out, residual.argument(*f.shape))
    guarded.assert_holds(epilogue(f, main, residual))


@every_isa("spgemm")
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("with_residual", [False, True])
def test_every_width_of_a_panel(isa: str, block: Block, with_residual: bool) -> None:
    """Panels of any width, whole and partial, by any number of channels: these are written and no others."""
    vector, widest = _core.spgemm_panel(isa, 17, block[0])
    rows = widest + vector + 1
    layer = made(rows, 19, 67, block, 0.5)
    shape = (rows, 19)
    rng = np.random.default_rng(1)
    residual = Residual(codes(rng, "random", shape), 0.7, 0.4, -3, (5, -100, 100)) if with_residual else None
    main = (-4, -110, 115)
    expected = epilogue(linear_float(layer), main, residual)
    packed = pack(layer)
    for panel in range(vector, widest + 1, vector):
        for count in {1, vector, panel - 1, panel, panel + 1, rows} - {0}:
            for channels in (1, 4, 6, 15, 16, 17, 19):
                guarded = Guarded((count, channels), sentinel=SENTINELS[count % 2])
                argument = None if residual is None else residual.argument(count, channels)
                _core.spgemm(isa, layer.x, packed, main, guarded.out, argument, panel_pixels=panel)
                guarded.assert_holds(
                    expected[:count, :channels], f"{count} rows, {channels} channels, {panel}"
                )


@every_isa("spgemm")
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kept", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("k", [1, 4, 6, 300])
def test_few_and_many_blocks(isa: str, block: Block, kept: float, k: int) -> None:
    for rows in (1, 2, 37):
        layer = made(rows, 70, k, block, kept)
        expected = epilogue(linear_float(layer), (3, -128, 127), None)
        guarded = Guarded((rows, 70))
        _core.spgemm(isa, layer.x, pack(layer), (3, -128, 127), guarded.out)
        guarded.assert_holds(expected, f"{rows} rows")


@every_isa("spgemm")
@pytest.mark.parametrize("block", BLOCKS)
def test_same_bytes_as_dense(isa: str, block: Block) -> None:
    layer = made(50, 33, 120, block, 0.2)
    main = (3, -128, 127)
    dense, sparse = Guarded((50, 33)), Guarded((50, 33))
    _core.gemm("scalar", layer.x, pack(replace(layer, block=None)), main, dense.out)
    _core.spgemm(isa, layer.x, pack(layer), main, sparse.out)
    sparse.assert_holds(dense.out)


@every_isa("spgemm")
@pytest.mark.parametrize("block", BLOCKS)
def test_group(isa: str, block: Block) -> None:
    """The blocks, tables and sums of a group are its own."""
    groups, each, k = 3, 21, 9
    parts = [made(5, each, k, block, 0.5 + group / 10) for group in range(groups)]
    weight = np.concatenate([part.weight for part in parts])[:, :, None, None]
    bias = np.concatenate([part.bias for part in parts if part.bias is not None])
    scale = np.concatenate([part.scale for part in parts])
    packed = _core.pack_weights(weight, bias, scale, groups, 11, block)
    for group, part in enumerate(parts):
        guarded = Guarded((5, each))
        _core.spgemm(isa, part.x, packed, (3, -128, 127), guarded.out, group=group)
        guarded.assert_holds(epilogue(linear_float(part), (3, -128, 127), None), f"group {group}")

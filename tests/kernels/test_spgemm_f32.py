"""The float32 block-sparse GEMM kernels, called directly."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mobilekernels import _core
from tests import reference
from tests.kernels.listed import SENTINELS, Guarded, every_isa
from tests.reference import Float32
from tests.strategies import Block, zero_blocks

BLOCKS = ((4, 4), (1, 4))
NONE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Matrices:
    """x [rows, k] by weight [channels, k]."""

    x: Float32
    weight: Float32
    bias: Float32
    block: Block

    def packed(self) -> reference.Int8:
        return _core.pack_weights_f32(self.weight[:, :, None, None], self.bias, 1, self.block)

    def expected(self, low: float = -np.inf, high: float = np.inf) -> Float32:
        """[channels, rows], as the kernels write it."""
        rows = reference.linear_f32(self.x, self.weight, self.bias, out_min=low, out_max=high)
        return np.ascontiguousarray(rows.T)


def made(rows: int, channels: int, k: int, block: Block, kept: float, seed: int = 0) -> Matrices:
    """Of many magnitudes, so that every rounding counts."""
    rng = np.random.default_rng((seed, rows, channels, k))
    x, weight, bias = (
        (rng.normal(0, 1, shape) * 2.0 ** rng.integers(-6, 7, shape)).astype(np.float32)
        for shape in ((rows, k), (channels, k), (channels,))
    )
    return Matrices(x, zero_blocks(rng, weight, 1, block, kept), bias, block)


@st.composite
def matrices(draw: DrawFn) -> Matrices:
    sizes = (draw(st.integers(1, most)) for most in (70, 40, 90))
    kept = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return made(*sizes, draw(st.sampled_from(BLOCKS)), kept, draw(st.integers(0, 99)))


@every_isa("spgemm_f32")
@given(matrices(), st.sampled_from([NONE, (0.0, np.inf), (0.0, 6.0), (-0.5, 0.25)]))
def test_any_matrix(isa: str, layer: Matrices, clamp: tuple[float, float]) -> None:
    expected = layer.expected(*clamp)
    guarded = Guarded(expected.shape, np.float32)
    _core.spgemm_f32(isa, layer.x, layer.packed(), clamp, guarded.out)
    guarded.assert_holds(expected)


@every_isa("spgemm_f32")
@pytest.mark.parametrize("block", BLOCKS)
def test_every_width_of_a_panel(isa: str, block: Block) -> None:
    """Panels of any width, whole and partial, by any number of channels: these are written and no others."""
    vector, widest = _core.spgemm_f32_panel(isa, 28, block[0])
    layer = made(widest + vector + 1, 19, 27, block, 0.5)
    expected, packed = layer.expected(), layer.packed()
    for panel in range(vector, widest + 1, vector):
        for count in {1, vector, panel - 1, panel, panel + 1, len(layer.x)} - {0}:
            for channels in (1, 4, 6, 19):
                guarded = Guarded((channels, count), np.float32, sentinel=SENTINELS[count % 2])
                _core.spgemm_f32(isa, layer.x, packed, NONE, guarded.out, panel_pixels=panel)
                guarded.assert_holds(
                    expected[:channels, :count], f"{count} rows, {channels} channels, {panel}"
                )


@every_isa("spgemm_f32")
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kept", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("k", [1, 4, 6, 300])
def test_few_and_many_blocks(isa: str, block: Block, kept: float, k: int) -> None:
    for rows in (1, 2, 29):
        layer = made(rows, 70, k, block, kept)
        expected = layer.expected()
        guarded = Guarded(expected.shape, np.float32)
        _core.spgemm_f32(isa, layer.x, layer.packed(), NONE, guarded.out)
        guarded.assert_holds(expected, f"{rows} rows")


@every_isa("spgemm_f32")
@pytest.mark.parametrize("block", BLOCKS)
def test_group(isa: str, block: Block) -> None:
    """The blocks and biases of a group are its own."""
    parts = [made(5, 21, 9, block, 0.6, seed) for seed in range(3)]
    weight = np.concatenate([part.weight for part in parts])[:, :, None, None]
    packed = _core.pack_weights_f32(weight, np.concatenate([part.bias for part in parts]), 3, block)
    for group, part in enumerate(parts):
        guarded = Guarded((21, 5), np.float32)
        _core.spgemm_f32(isa, part.x, packed, NONE, guarded.out, group=group)
        guarded.assert_holds(part.expected(), f"group {group}")

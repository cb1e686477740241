"""Zeros are counted where a packed weight has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mobilekernels.pruning.blocks import BLOCKS, BlockGrid
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name, zeros_of


@st.composite
def weights(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    groups = draw(st.integers(1, 3))
    out, channels = groups * draw(st.integers(1, 9)), draw(st.integers(1, 9))
    kernel = draw(st.sampled_from([(), (1, 1), (2, 3)]))
    if not kernel:
        groups = 1
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    shape = (out, channels, *kernel)
    codes = torch.randint(-127, 128, shape, dtype=torch.int8, generator=generator)
    kept = torch.rand(shape, generator=generator) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return codes * kept, groups


def occupancy_by_hand(weight: torch.Tensor, groups: int, height: int) -> float:
    """Block by block, from the words of csrc/pack/format.h."""
    array = weight.numpy()
    array = array.reshape(*array.shape, 1, 1) if array.ndim == 2 else array
    rows = array.transpose(0, 2, 3, 1).reshape(
        array.shape[0], -1
    )  # k runs over (kernel_h, kernel_w, channels)
    found = []
    for group in np.split(rows, groups):
        for row in range(0, group.shape[0], height):
            for k in range(0, group.shape[1], 4):
                found.append(bool(group[row : row + height, k : k + 4].any()))
    return sum(found) / len(found)


@given(weights())
def test_occupancy(drawn: tuple[torch.Tensor, int]) -> None:
    weight, groups = drawn
    for values in (weight, weight.float() / 3):
        found = zeros_of(values, groups)
        assert found.sparsity == pytest.approx(float((weight == 0).double().mean()))
        for block in SPARSE_BLOCKS:
            assert found.occupancy[block] == occupancy_by_hand(weight, groups, block[0])


@given(weights())
def test_blocks_that_pruning_makes_are_blocks_that_kernels_skip(drawn: tuple[torch.Tensor, int]) -> None:
    weight, groups = drawn
    for block in SPARSE_BLOCKS:
        assert block in BLOCKS
        grid = BlockGrid(tuple(weight.shape), groups, block)
        if grid.skippable:
            occupied = grid.occupied(weight).double().mean()
            assert zeros_of(weight, groups).occupancy[block] == pytest.approx(float(occupied))


@pytest.mark.parametrize("shape", [(), (4,), (0, 4), (4, 0, 3, 3)])
def test_bad_weights(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weight: given shape"):
        zeros_of(torch.zeros(shape))


@pytest.mark.parametrize("groups", [0, 3])
def test_bad_groups(groups: int) -> None:
    with pytest.raises(ValueError, match=f"groups: given {groups}; accepted are divisors of 4"):
        zeros_of(torch.zeros(4, 4), groups)


def test_names() -> None:
    assert [block_name(block) for block in SPARSE_BLOCKS] == ["4x4", "1x4"]

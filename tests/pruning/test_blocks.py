"""Blocks of a weight against loops that say what a block is."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mobilekernels.pruning.blocks import BLOCKS, BlockGrid, check_block

GRIDS = st.builds(
    lambda out, into, groups, kernel, block: BlockGrid((out * groups, into, *kernel), groups, block),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 3),
    st.sampled_from([(), (1, 1), (2, 3)]),
    st.sampled_from(BLOCKS),
)


def coordinates(grid: BlockGrid) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(index of the block, index of the element) of each element, from the definition."""
    pairs = []
    per_group = grid.shape[0] // grid.groups
    for index in itertools.product(*map(range, grid.shape)):
        group, row = divmod(index[0], per_group)
        tap = 0
        for at, size in zip(index[2:], grid.shape[2:], strict=True):
            tap = tap * size + at
        pairs.append(((group, row // grid.block[0], index[1] // grid.block[1], tap), index))
    return pairs


@given(GRIDS, st.integers(0, 2**31))
def test_values_of_blocks(grid: BlockGrid, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    dense = torch.randn(grid.shape, generator=generator)
    weight = dense * (torch.rand(grid.shape, generator=generator) < 0.3)
    sizes, squares, occupied = grid.sizes(), grid.mean_squares(weight), grid.occupied(weight)
    assert sizes.shape == squares.shape == occupied.shape
    members: dict[tuple[int, ...], list[float]] = {}
    for block, index in coordinates(grid):
        members.setdefault(block, []).append(float(weight[index]))
    assert len(members) == sizes.numel()
    for block, values in members.items():
        assert sizes[block] == len(values)
        assert occupied[block] == any(values)
        assert float(squares[block]) == pytest.approx(sum(v * v for v in values) / len(values), rel=1e-12)


@given(GRIDS)
def test_expand_gives_each_element_its_block(grid: BlockGrid) -> None:
    numbers = torch.arange(grid.sizes().numel()).reshape(grid.sizes().shape)
    elements = grid.expand(numbers)
    assert elements.shape == grid.shape
    assert all(elements[index] == numbers[block] for block, index in coordinates(grid))


def test_blocks_that_kernels_can_skip() -> None:
    assert BlockGrid((8, 6, 1, 1), 1, (4, 4)).skippable
    assert BlockGrid((8, 6), 1, (4, 4)).skippable
    assert BlockGrid((8, 8, 3, 3), 1, (1, 4)).skippable
    assert BlockGrid((8, 6, 3, 3), 1, (1, 1)).skippable
    assert not BlockGrid((8, 6, 3, 3), 1, (1, 4)).skippable


@pytest.mark.parametrize("block", [(4, 1), (2, 2), (8, 8)])
def test_unknown_block(block: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"block: given .*accepted are \(4, 4\), \(1, 4\), \(1, 1\)"):
        check_block(block)


def test_block_of_another_type() -> None:
    with pytest.raises(TypeError, match="block: given 4;"):
        check_block(4)
    assert check_block([1, 4]) == (1, 4)

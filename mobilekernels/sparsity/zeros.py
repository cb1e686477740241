"""The zeros of one weight as sparse kernels meet them.

A packed weight runs over output channels and over k, the flattened (kernel_h, kernel_w, in_channels /
groups), in quads of four (`csrc/pack/format.h`). A sparse one leaves out blocks of 4x4 (four output channels
of a group by a quad) or 1x4 (one by a quad) that are zero as a whole. Unlike in `pruning.blocks`, a quad may
run over the edge of a tap where the channels of a group are no multiple of four.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from mobilekernels import packing
from mobilekernels.pruning.blocks import Block

# The blocks that kernels skip, the fastest first.
SPARSE_BLOCKS: tuple[Block, ...] = packing.BLOCKS
QUAD = 4
# What a quad's number of 16 bits can count.
MOST_K = 65535 * QUAD


@dataclass(frozen=True)
class Zeros:
    """Of one weight.

    Attributes:
        sparsity: share of the elements that are zero.
        occupancy: share of the blocks that hold a non-zero, by block: what a sparse kernel computes of the
            layer.
    """

    sparsity: float
    occupancy: dict[Block, float]


def zeros_of(weight: torch.Tensor, groups: int = 1) -> Zeros:
    """Counts the zeros of a weight.

    Args:
        weight: [out, in / groups, *kernel], int8 codes or floats, not empty.
        groups: of the layer.

    Raises:
        ValueError: the weight has fewer than two dimensions or no element, or `groups` does not divide its
            output channels.
    """
    if weight.dim() < 2 or weight.numel() == 0:
        raise ValueError(
            f"weight: given shape {list(weight.shape)}; accepted is [out, in / groups, *kernel], not empty"
        )
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(
            f"groups: given {groups}; accepted are divisors of {weight.shape[0]} output channels"
        )
    quads = _occupied_quads(weight, groups)
    return Zeros(
        sparsity=1 - int(torch.count_nonzero(weight)) / weight.numel(),
        occupancy={block: _occupancy(quads, block[0]) for block in SPARSE_BLOCKS},
    )


def block_name(block: Block) -> str:
    """``4x4``: output by input channels."""
    return "x".join(map(str, block))


def _occupied_quads(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """[groups, out / groups, quads of k], True for a quad that holds a non-zero."""
    nonzero = weight.detach() != 0
    flat = nonzero.flatten(2).transpose(1, 2) if weight.dim() > 2 else nonzero
    rows = flat.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))
    padded = functional.pad(rows, (0, -rows.shape[2] % QUAD))
    return padded.reshape(*padded.shape[:2], -1, QUAD).any(3)


def _occupancy(quads: torch.Tensor, height: int) -> float:
    padded = functional.pad(quads, (0, 0, 0, -quads.shape[1] % height))
    blocks = padded.reshape(padded.shape[0], -1, height, padded.shape[2]).any(2)
    return int(torch.count_nonzero(blocks)) / blocks.numel()

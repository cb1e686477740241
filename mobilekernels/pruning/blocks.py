"""How a weight falls into blocks.

A weight is [out, in / groups, *kernel]. A block is `block[0]` consecutive output channels of one group by
`block[1]` consecutive input channels, at one tap of the kernel: what lies together in a packed weight
(`csrc/pack/format.h`: k runs over (kernel_h, kernel_w, in / groups), in quads), so a block of zeros is one
that a kernel can leave out. Where the channels are no multiple of the block, the last one of a row or column
is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

Block = tuple[int, int]

BLOCKS: tuple[Block, ...] = ((4, 4), (1, 4), (1, 1))


def check_block(block: object) -> Block:
    """``block`` where it is one that kernels or formats know; an error that names it otherwise."""
    if isinstance(block, list):
        block = tuple(block)
    if not isinstance(block, tuple) or not all(type(size) is int for size in block):
        raise TypeError(f"block: given {block!r}; accepted is a pair of integers (output, input channels)")
    if block not in BLOCKS:
        raise ValueError(f"block: given {block}; accepted are {', '.join(map(str, BLOCKS))}")
    return block


@dataclass(frozen=True)
class BlockGrid:
    """The blocks of one weight. Values of blocks are tensors [groups, rows, columns, taps].

    Attributes:
        shape: of the weight.
        groups: of the layer; 1 for a linear one.
        block: (output channels, input channels).
    """

    shape: tuple[int, ...]
    groups: int
    block: Block

    @property
    def taps(self) -> int:
        taps = 1
        for size in self.shape[2:]:
            taps *= size
        return taps

    @property
    def _channels(self) -> tuple[int, int]:
        """Output and input channels of a group."""
        return self.shape[0] // self.groups, self.shape[1]

    @property
    def skippable(self) -> bool:
        """Whether blocks are what kernels can leave out.

        The quads of a packed weight run over all taps, so they are blocks of one tap only where a tap fills
        whole quads, or where there is but one tap.
        """
        return self.taps == 1 or self._channels[1] % self.block[1] == 0

    def sizes(self) -> torch.Tensor:
        """Elements of each block."""
        rows, columns = (
            (channels - torch.arange(0, channels, size)).clamp(max=size)
            for channels, size in zip(self._channels, self.block, strict=True)
        )
        sizes = (rows[:, None] * columns[None, :])[None, :, :, None]
        return sizes.expand(self.groups, -1, -1, self.taps)

    def mean_squares(self, weight: torch.Tensor) -> torch.Tensor:
        """The squared L2 norm of each block by its elements: smaller ones at the edge compare fairly."""
        sizes = self.sizes().to(weight.device)
        return self._split(weight.detach().double()).square().sum((2, 4)) / sizes

    def occupied(self, weight: torch.Tensor) -> torch.Tensor:
        """Which blocks hold a non-zero."""
        return self._split(weight.detach() != 0).any(4).any(2)

    def expand(self, blocks: torch.Tensor) -> torch.Tensor:
        """Values of blocks as values of the elements, in the weight's shape."""
        groups, rows, columns, taps = blocks.shape
        height, width = self.block
        out, into = self._channels
        wide = blocks[:, :, None, :, None, :].expand(groups, rows, height, columns, width, taps)
        return wide.reshape(groups, rows * height, columns * width, taps)[:, :out, :into].reshape(self.shape)

    def _split(self, values: torch.Tensor) -> torch.Tensor:
        """[groups, rows, block height, columns, block width, taps], zeros beyond the edges."""
        out, into = self._channels
        height, width = self.block
        by_group = values.reshape(self.groups, out, into, self.taps)
        padded = F.pad(by_group, (0, 0, 0, -into % width, 0, -out % height))
        rows, columns = padded.shape[1] // height, padded.shape[2] // width
        return padded.reshape(self.groups, rows, height, columns, width, self.taps)

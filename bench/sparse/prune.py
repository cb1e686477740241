"""Zeros in a layer's weights: blocks that lie anywhere, as many as asked for."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.micro.case import Weights
from mobilekernels.pruning.blocks import Block, BlockGrid


def with_zeros(weights: Weights, block: Block, zeros: float) -> Weights:
    """The weights with that share of blocks zero, and scales that keep the spread of the result."""
    grid = BlockGrid(tuple(weights.codes.shape), 1, block)
    count = grid.sizes().numel()
    generator = torch.Generator().manual_seed(weights.seed)
    order = torch.randperm(count, generator=generator).reshape(grid.sizes().shape)
    kept = grid.expand(order >= round(zeros * count))
    return replace(weights, codes=weights.codes * kept, scale=weights.scale / (1 - zeros) ** 0.5)

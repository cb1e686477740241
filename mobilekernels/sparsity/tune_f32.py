"""What `tune` times in float32: our sparse operators against PyTorch's own, as `convert` would leave them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mobilekernels import packing
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.subjects import SEED, Subject, random_blocks
from mobilekernels.timing import ColdCandidate


def candidate(subject: Subject, block: Block | None, occupancy: float) -> ColdCandidate:
    """Two instances on one input: the timed one's weights are cold."""
    generator = torch.Generator().manual_seed(SEED)
    shape = (
        (1, subject.channels, subject.size, subject.size)
        if subject.kernel
        else (subject.size, subject.channels)
    )
    x = torch.randn(shape, generator=generator)
    codes = (random_blocks(subject, block, occupancy, generator) for _ in range(2))
    timed, decoy = (call(subject, x, block, each.float() / 127) for each in codes)
    return ColdCandidate(timed, decoy)


def call(subject: Subject, x: Tensor, block: Block | None, weight: Tensor) -> Callable[[], object]:
    """The layer with `weight` [out, k], sparse where there is a block."""
    out, size = subject.out_channels, subject.kernel
    bias = torch.zeros(out)
    if not size:
        if block is None:
            return lambda: functional.linear(x, weight, bias)
        packed = packing.pack_linear_f32(weight, bias, block)
        return lambda: torch.ops.mobilekernels.linear_f32.default(x, packed, out, -math.inf, math.inf)
    # k runs over taps, then channels.
    taps = weight.reshape(out, size, size, subject.channels).permute(0, 3, 1, 2).contiguous()
    if block is None:
        return lambda: functional.conv2d(x, taps, bias, padding=size // 2)
    packed = packing.pack_conv2d_f32(taps, bias, 1, block)
    window = ([size, size], [1, 1], [size // 2] * 4, [1, 1], 1, -math.inf, math.inf)
    return lambda: torch.ops.mobilekernels.conv2d_f32.default(x, packed, out, *window)

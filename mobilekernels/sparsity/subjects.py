"""The layers that break-even curves are measured on, and weights with as many blocks as one likes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curves import LayerShape
from mobilekernels.sparsity.zeros import QUAD

SEED = 7


@dataclass(frozen=True)
class Subject:
    """A layer to measure: with a kernel a convolution on a square image, else a linear one on `size` rows."""

    channels: int
    out_channels: int
    size: int
    kernel: int = 0

    @property
    def shape(self) -> LayerShape:
        """What curves of it are kept under."""
        weight = (self.out_channels, self.channels, *([self.kernel] * 2 if self.kernel else []))
        return LayerShape.of(weight, 1, self.size**2 if self.kernel else self.size)


# What ResNet50 (128 channels and more) and MobileNetV2 (fewer) are made of, by falling image size.
SUBJECTS = (
    Subject(24, 144, 56, 1),
    Subject(64, 256, 56, 1),
    Subject(128, 512, 28, 1),
    Subject(96, 576, 14, 1),
    Subject(576, 96, 14, 1),
    Subject(1024, 256, 14, 1),
    Subject(960, 160, 7, 1),
    Subject(512, 2048, 7, 1),
    Subject(64, 64, 56, 3),
    Subject(128, 128, 28, 3),
    Subject(256, 256, 14, 3),
    Subject(512, 512, 7, 3),
    Subject(384, 1536, 128),
    Subject(1024, 1024, 16),
    Subject(1280, 1000, 1),
    Subject(2048, 2048, 1),
)


def random_blocks(
    subject: Subject, block: Block | None, occupancy: float, generator: torch.Generator
) -> Tensor:
    """[out, k] int8 without a zero but in the blocks that are left out, which lie anywhere."""
    height = 1 if block is None else block[0]
    k = subject.channels * max(subject.kernel, 1) ** 2
    rows, quads = -(-subject.out_channels // height), -(-k // QUAD)
    kept = torch.zeros(rows * quads, dtype=torch.bool)
    kept[torch.randperm(rows * quads, generator=generator)[: round(occupancy * rows * quads)]] = True
    codes = torch.randint(1, 128, (subject.out_channels, k), dtype=torch.int8, generator=generator)
    mask = kept.reshape(rows, quads).repeat_interleave(height, 0).repeat_interleave(QUAD, 1)
    return codes * mask[: subject.out_channels, :k]

"""A network with everything that segments have, and its file: made once a test run."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

import mobilekernels as mk
from tests.executorch.programs import lower, seal
from tests.segments.test_segment import Net

MOST = 8


@dataclass(frozen=True)
class SmallNetwork:
    model: mk.ConvertedModel
    program: bytes

    @property
    def file(self) -> bytes:
        return seal(self.program)


@functools.cache
def small_network(softmax: bool = False) -> SmallNetwork:
    """Batches of 1 to MOST images of 3 x 16 x 16; five outputs.

    With ``softmax``, an operator of ExecuTorch's own lies between two segments: its floats are not PyTorch's
    to the last bit, so bytes are compared without.
    """
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 16)
    model = mk.convert(mk.quantize(Net(softmax).eval(), [(x,)]), (x,))[0]
    batch = {0: torch.export.Dim("batch", min=1, max=MOST)}
    return SmallNetwork(model, lower(model, (x,), {"x": batch}))


def images(batch: int) -> Tensor:
    return torch.randn(batch, 3, 16, 16, generator=torch.Generator().manual_seed(batch))

"""No operator relies on an alignment that its tensors' element type does not have.

Slices of a batch, weights mapped from a file: int8 data may start anywhere, a packed weight at any multiple
of 4 (csrc/pack/format.h).
"""

import numpy as np
import pytest
import torch

import mobilekernels as mk
from tests.ops.calls import calls
from tests.ops.everywhere import Array, never
from tests.tested_isas import tested_isas


def at_odd_address(array: Array) -> torch.Tensor:
    """A copy that starts one element (a packed weight: 4 bytes) behind a multiple of 64 bytes."""
    behind = 4 if array.tobytes().startswith(b"MKPW") else array.itemsize
    whole = np.empty(array.size + 128, array.dtype)
    start = (-whole.ctypes.data % 64 + behind) // array.itemsize
    placed = whole[start : start + array.size].reshape(array.shape)
    placed[...] = array
    assert placed.ctypes.data % 64 == behind
    return torch.from_numpy(placed)


@pytest.mark.parametrize("isa", tested_isas())
def test_odd_addresses(isa: str) -> None:
    with mk.isa(isa):
        for call in calls():
            out = at_odd_address(never(call.expected))
            call.run_out(out, at_odd_address)
            call.check(out, isa)

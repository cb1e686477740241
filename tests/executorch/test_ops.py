"""Each op in ExecuTorch's runtime: the bytes of eager, for any batch and any number of threads."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.executorch.programs import lower
from tests.executorch.runtime import Job, Result, run_jobs
from tests.op_samples import OPS
from tests.ops.test_opcheck import OneOp, inputs_of
from tests.same_bytes import assert_same_bytes

pytest.importorskip("executorch", reason="executorch is not installed")

BATCHES = (2, 1, 7)
THREADS = (1, 2)


def flat(inputs: dict[str, Any]) -> list[Tensor]:
    return [t for value in inputs.values() for t in (value if isinstance(value, list) else [value])]


class AllOps(nn.Module):
    """One call of every op, side by side, as lowering costs seconds. Inputs and outputs: as OPS has them."""

    def __init__(self) -> None:
        super().__init__()
        self.ops = nn.ModuleList(OneOp(op) for op in OPS)
        self.inputs = [inputs_of(op, 1) for op in OPS]  # their names and counts

    def forward(self, *tensors: Tensor) -> list[Tensor]:
        left = list(tensors)
        outputs = []
        for model, expected in zip(self.ops, self.inputs, strict=True):
            given: dict[str, Any] = {}
            for name, value in expected.items():
                count = len(value) if isinstance(value, list) else 1
                taken, left = left[:count], left[count:]
                given[name] = taken if isinstance(value, list) else taken[0]
            outputs.append(model(given))
        return outputs


def inputs_of_all(batch: int) -> list[Tensor]:
    return [tensor for op in OPS for tensor in flat(inputs_of(op, batch))]


@pytest.fixture(scope="module")
def results() -> dict[int, Result]:
    """Threads -> what they gave."""
    batch = torch.export.Dim("batch", min=1, max=8)
    inputs = tuple(inputs_of_all(2))
    program = lower(AllOps(), inputs, (tuple({0: batch} for _ in inputs),))
    job = Job(program, [inputs_of_all(size) for size in BATCHES])
    return {threads: run_jobs([job], threads)[0] for threads in THREADS}


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("op", OPS)
def test_bytes_are_those_of_eager(results: dict[int, Result], op: str, threads: int) -> None:
    result = results[threads]
    assert result.error == "", result.last_error
    model = OneOp(op)
    for size, outputs in zip(BATCHES, result.outputs, strict=True):
        got = outputs[list(OPS).index(op)]
        assert_same_bytes(got.numpy(), model(inputs_of(op, size)).numpy(), f"{op}, batch {size}")

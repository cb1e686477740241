"""A network of segments in ExecuTorch's runtime: eager's bytes, for every batch and number of threads."""

from __future__ import annotations

import pytest

from tests.executorch.runtime import Job, run_jobs
from tests.executorch.small_network import MOST, images, small_network
from tests.same_bytes import assert_same_bytes

pytest.importorskip("executorch", reason="executorch is not installed")

BATCHES = (2, 1, MOST)


@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_are_those_of_eager(threads: int) -> None:
    network = small_network()
    calls = [[images(batch)] for batch in BATCHES]
    (result,) = run_jobs([Job(network.program, calls)], threads)
    assert result.error == "", result.last_error
    for inputs, (output,) in zip(calls, result.outputs, strict=True):
        assert_same_bytes(output.numpy(), network.model(*inputs).numpy(), f"batch {len(inputs[0])}")


def test_what_an_operator_refuses_is_told() -> None:
    """The program's text names an operator that does not exist: a file of a later release, say."""
    network = small_network()
    assert b"\nconcat " in network.program
    (result,) = run_jobs([Job(network.program.replace(b"\nconcat ", b"\nkoncat "), [[images(2)]])])
    assert "failed with error" in result.error
    assert result.last_error.startswith("FormatError: segment: program: line ")
    assert result.last_error.endswith("there is no operator 'koncat'")

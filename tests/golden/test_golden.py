"""What another machine, or an earlier version, packed and computed: the same bytes here, on every ISA.

`v1.npz` was written when packed weights were dense or depthwise, both version 1; `v2.npz` when block-sparse
ones of version 2 came; `v3.npz` when those of float32, of version 3, did (`python -m tests.golden.make
--small`). They are not to be written again: that they can be read is what they are for.
$MOBILEKERNELS_GOLDEN names more files, separated as in $PATH.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

import mobilekernels as mk
from tests.golden import files, make
from tests.same_bytes import assert_same_bytes
from tests.tested_isas import tested_isas

COMMITTED = sorted(Path(__file__).parent.glob("v*.npz"))
GIVEN = [Path(name) for name in os.environ.get("MOBILEKERNELS_GOLDEN", "").split(os.pathsep) if name]


@pytest.mark.parametrize("isa", tested_isas())
@pytest.mark.parametrize("path", [*COMMITTED, *GIVEN], ids=lambda path: path.name)
def test_same_bytes_as_the_file(path: Path, isa: str) -> None:
    seen = Counter[str]()
    with mk.isa(isa):
        for record, expected in files.read(path):
            seen[record.function] += 1
            assert_same_bytes(
                record.run(), expected, f"{record.function} {record.keywords}, record {seen.total()}"
            )
    # A file that lost its records would pass.
    assert seen["conv2d"] >= 9
    assert seen["pack_conv2d"] >= 5
    assert len(seen) >= 20


@pytest.mark.parametrize(
    ("name", "versions"),
    [
        ("v1.npz", {("dense", 1), ("depthwise", 1)}),
        ("v2.npz", {("dense", 1), ("depthwise", 1), ("block_sparse", 2)}),
        ("v3.npz", {("dense", 1), ("depthwise", 1), ("block_sparse", 2), ("block_sparse_f32", 3)}),
    ],
)
def test_committed_packed_weights_are_of_their_version(name: str, versions: set[tuple[str, int]]) -> None:
    path = Path(__file__).with_name(name)
    packed = [(record, result) for record, result in files.read(path) if record.function.startswith("pack_")]
    headers = [mk.packing.read_header(torch.from_numpy(result)) for _, result in packed]
    assert {(header.format, header.version) for header in headers} == versions
    for record, result in packed:
        unpack = mk.packing.unpack_f32 if record.function.endswith("_f32") else mk.packing.unpack
        weight = unpack(torch.from_numpy(result)).weight.numpy()
        assert_same_bytes(weight.reshape(record.arguments[0].shape), record.arguments[0])


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    """The file is no formality: a result that differs in one byte does not pass."""
    record = next(record for record in make.records((3,), 0) if record.function == "conv2d")
    files.write(tmp_path / "one.npz", [record])
    ((read, result),) = files.read(tmp_path / "one.npz")
    assert_same_bytes(read.run(), result)
    spoilt = result.copy()
    spoilt.flat[-1] ^= 1
    with pytest.raises(AssertionError):
        assert_same_bytes(read.run(), np.asarray(spoilt))

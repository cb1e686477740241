"""What the emulated machine computes and this one did: run by python_suite.py there, with
$MOBILEKERNELS_ACROSS.

That is the folder that both machines see: the x86 one has written mobilenet_v2.pt, this one leaves
emulated-<CPU>.npz, for the x86 one to read. (Golden files from there: tests/golden, by
$MOBILEKERNELS_GOLDEN.) What is converted here is compared in across_conversion.py, on one core.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pytest
import torch

import mobilekernels as mk
from tests.arm.cores import CORES
from tests.golden import make
from tests.same_bytes import assert_same_bytes
from tests.tested_isas import tested_isas

FOLDER = Path(os.environ["MOBILEKERNELS_ACROSS"])
CORE = next(core for core in CORES if core.name == os.environ["MOBILEKERNELS_CORE"])


def test_the_package_is_the_wheels_on_that_core() -> None:
    assert platform.machine() == "aarch64"
    assert Path(mk.__file__).is_relative_to(FOLDER / "site")
    assert {k.family: k.isa for k in mk.kernels() if k.chosen} == CORE.expected(None)


@pytest.mark.parametrize("isa", tested_isas())
def test_mobilenet_v2_gives_the_same_logits(isa: str) -> None:
    there: dict[str, Any] = torch.load(FOLDER / "mobilenet_v2.pt", weights_only=True)
    constants, program = there["segment"]["constants"], there["segment"]["program"]
    with mk.isa(isa):
        (logits,) = torch.ops.mobilekernels.segment([there["x"]], constants, program)
    assert_same_bytes(logits.numpy(), there["output"].numpy(), isa)


def test_leave_a_golden_file() -> None:
    path = FOLDER / f"emulated-{CORE.name}.npz"
    make.main([str(path), "--seed", "1"])
    assert path.is_file()

"""What the emulated machine computes and this one did: run by python_suite.py there, with
$MOBILEKERNELS_ACROSS.

That is the folder that both machines see: the x86 one has written mobilenet_v2.pt, this one leaves
emulated-<CPU>.npz, for the x86 one to read. (Golden files from there: tests/golden, by
$MOBILEKERNELS_GOLDEN.)
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pytest
import torch

import mobilekernels as mk
from tests.arm import mobilenet_v2
from tests.arm.cores import CORES, ISAS
from tests.golden import make
from tests.same_bytes import assert_same_bytes

FOLDER = Path(os.environ["MOBILEKERNELS_ACROSS"])
CORE = next(core for core in CORES if core.name == os.environ["MOBILEKERNELS_CORE"])


def test_the_package_is_the_wheels_on_that_core() -> None:
    assert platform.machine() == "aarch64"
    assert Path(mk.__file__).is_relative_to(FOLDER / "site")
    assert {k.family: k.isa for k in mk.kernels() if k.chosen} == CORE.expected(None)


@pytest.fixture(scope="module")
def there() -> dict[str, Any]:
    """What mobilenet_v2.py wrote on the other machine."""
    loaded: dict[str, Any] = torch.load(FOLDER / "mobilenet_v2.pt", weights_only=True)
    return loaded


@pytest.fixture(scope="module")
def converted(there: dict[str, Any]) -> mk.ConvertedModel:
    """The same quantized network, converted here."""
    model = mobilenet_v2.quantized(calibrate=False)
    model.load_state_dict(there["model"])
    return mobilenet_v2.converted(model, there["x"])


def test_mobilenet_v2_packs_to_the_same_bytes(there: dict[str, Any], converted: mk.ConvertedModel) -> None:
    buffers = converted.state_dict()
    assert buffers.keys() == there["buffers"].keys()
    assert len(buffers) >= 53  # its convolutions and the classifier
    for name, buffer in buffers.items():
        assert_same_bytes(buffer.numpy(), there["buffers"][name].numpy(), name)


@pytest.mark.parametrize("isa", [isa for isa in ISAS if mk.cpu_features()[isa]])
def test_mobilenet_v2_gives_the_same_logits(
    there: dict[str, Any], converted: mk.ConvertedModel, isa: str
) -> None:
    with mk.isa(isa), torch.no_grad():
        logits = converted(there["x"])
    assert_same_bytes(logits.numpy(), there["output"].numpy(), isa)


def test_leave_a_golden_file() -> None:
    path = FOLDER / f"emulated-{CORE.name}.npz"
    make.main([str(path), "--seed", "1"])
    assert path.is_file()

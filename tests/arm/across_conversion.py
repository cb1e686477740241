"""MobileNetV2, converted on the emulated machine as on this one: run by python_suite.py there, see across.py.

Neither the conversion nor the packing of weights looks at the CPU: one core will do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

import mobilekernels as mk
from mobilekernels.engines.torch_int8 import quantized_engine
from tests.arm import mobilenet_v2
from tests.same_bytes import assert_same_bytes

FOLDER = Path(os.environ["MOBILEKERNELS_ACROSS"])


@pytest.fixture(scope="module")
def there() -> dict[str, Any]:
    """What mobilenet_v2.py wrote on the other machine."""
    loaded: dict[str, Any] = torch.load(FOLDER / "mobilenet_v2.pt", weights_only=True)
    return loaded


@pytest.fixture(scope="module")
def converted(there: dict[str, Any]) -> mk.ConvertedModel:
    """The same quantized network, converted here."""
    model = mobilenet_v2.quantized(calibrate=False)
    with quantized_engine("qnnpack"):
        model.load_state_dict(there["model"])
    return mobilenet_v2.converted(model, there["x"])


def test_mobilenet_v2_packs_to_the_same_bytes(there: dict[str, Any], converted: mk.ConvertedModel) -> None:
    buffers = converted.state_dict()
    assert buffers.keys() == there["buffers"].keys()
    assert len(buffers) >= 53  # its convolutions and the classifier
    for name, buffer in buffers.items():
        assert_same_bytes(buffer.numpy(), there["buffers"][name].numpy(), name)


def test_mobilenet_v2_gives_the_same_logits(there: dict[str, Any], converted: mk.ConvertedModel) -> None:
    with torch.no_grad():
        logits = converted(there["x"])
    assert_same_bytes(logits.numpy(), there["output"].numpy())

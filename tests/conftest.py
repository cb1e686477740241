"""Settings that hold for every test."""

from __future__ import annotations

import pytest
import torch

from tests import hypothesis_profiles

hypothesis_profiles.register()


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)

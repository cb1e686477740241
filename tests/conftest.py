"""Settings that hold for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests import hypothesis_profiles

hypothesis_profiles.register()

# Files that take long, the longest first. Where processes share the files (`make test`), they begin with
# these: one of them at the end would leave the other processes idle.
LONG = (
    "export/test_same_bytes.py",
    "cli/test_cli.py",
    "lowering/test_networks.py",
    "lowering/test_sparse.py",
    "engines/test_engines.py",
    "examples/test_fashion_mnist.py",
    "export/test_export.py",
    "export/test_docs.py",
    "executorch/test_broken_files.py",
    "executorch/test_ops.py",
    "test_demo.py",
    "bench_micro/test_measure.py",
)
_RANKS = {Path(__file__).parent / name: rank for rank, name in enumerate(LONG)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _RANKS.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)

"""What tests of peers need: where a package is missing they are skipped."""

from __future__ import annotations

import importlib.util

import pytest


def need(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install -r requirements/bench.txt)")

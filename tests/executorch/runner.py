"""Where mk_runner is, for this machine and for aarch64, and how it is called there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "build" / f"cmake-{sys.implementation.cache_tag}" / "bench" / "executorch" / "mk_runner"
AARCH64 = ROOT / "build" / "executorch-aarch64" / "bench" / "executorch" / "mk_runner"
# Emulated cores: one without dot products, one with.
CORES = ("cortex-a53", "neoverse-n1")


def command(core: str | None) -> list[str]:
    """The runner on this machine, or on an emulated core."""
    if core is None:
        return [str(RUNNER)]
    if not AARCH64.is_file() or shutil.which("qemu-aarch64") is None:
        message = "needs `make executorch-aarch64` and qemu-aarch64 (apt-get install qemu-user)"
        if os.environ.get("MOBILEKERNELS_REQUIRE_DEVICES"):
            pytest.fail(message)
        pytest.skip(message)
    return ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", core, str(AARCH64)]


def run(core: str | None, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(core), *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )


def report(core: str | None, *arguments: str | Path) -> dict[str, Any]:
    """What `--json` prints of a run that succeeds."""
    done = run(core, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result

"""ExecuTorch's own runtime with our kernels, in a process of its own: a crash there is a failed test here."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

ROOT = Path(__file__).parents[2]


@dataclass
class Job:
    """A file that is loaded once, with the inputs of one or more calls."""

    program: bytes
    calls: list[list[Tensor]]


@dataclass
class Result:
    """The outputs of each call, or what was wrong."""

    outputs: list[list[Tensor]] = field(default_factory=list)
    error: str = ""
    last_error: str = ""


def run_jobs(jobs: list[Job], threads: int = 1) -> list[Result]:
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / "jobs", Path(name) / "results"]
        files[0].write_bytes(pickle.dumps(jobs))
        command = [sys.executable, "-m", "tests.executorch.worker", *map(str, files), str(threads)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"the runtime died ({done.returncode}):\n{done.stderr[-4000:]}"
        results: list[Result] = pickle.loads(files[1].read_bytes())
        return results

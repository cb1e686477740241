"""One call of `mk_runner`: ExecuTorch with our kernels and XNNPACK, whichever a file asks for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEGMENT = "segment: "  # how the runner names an operator inside of one of our segments


@dataclass(frozen=True)
class Call:
    """What one process told, times in milliseconds.

    Attributes:
        latency: the median of its timed calls.
        load: from opening the file to a method that can be called; ours includes the file's checksum.
        ready: load and first call, in which we plan and check weights.
        file_bytes, planned_bytes: of the file; of what ExecuTorch planned for activations.
        peak_bytes: the most memory the process had, mapped files included.
        own_bytes: of these, what came after the program and its libraries were there.
    """

    latency: float
    load: float
    ready: float
    file_bytes: int
    planned_bytes: int
    peak_bytes: int
    own_bytes: int


def call(runner: Path, model: Path, image: Path, calls: int, output: Path | None = None) -> Call:
    """Load a file in a process of its own and call it: three times untimed, then ``calls`` times."""
    arguments = ["--repeat", str(calls), "--warmup", "3"]
    told = _run(runner, model, image, [*arguments, *(["--output", str(output)] if output else [])])
    return Call(
        told["latency_us"]["p50"] / 1e3,
        told["load_ms"],
        told["load_ms"] + told["first_call_us"] / 1e3,
        told["file_bytes"],
        told["planned_bytes"],
        told["peak_memory_bytes"],
        told["peak_memory_bytes"] - told["memory_before_bytes"],
    )


def outside_kernels(runner: Path, model: Path, image: Path) -> float:
    """The share of a call that no operator of ours took: ExecuTorch, look-ups, the timing itself."""
    told = _run(runner, model, image, ["--warmup", "3", "--profile"])
    inside = sum(each["us"] for each in told["operators"] if each["name"].startswith(SEGMENT))
    return 1 - float(inside / told["profiled_call_us"])


def _run(runner: Path, model: Path, image: Path, options: list[str]) -> Mapping[str, Any]:
    # XNNPACK's file has no checksum of ours.
    command = [runner, model, "--input", image, "--json", "--unsealed", *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{model}: {done.stderr.strip()}")
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told

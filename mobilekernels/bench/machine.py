"""Where and with what a benchmark ran."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from mobilekernels.bench.pinning import cpus
from mobilekernels.dispatch import kernels

_ROOT = Path(__file__).parents[2]
PACKAGES = (
    "mobilekernels",
    "torch",
    "torchvision",
    "executorch",
    "torchao",
    "onnx",
    "onnxruntime",
    "openvino",
)


@dataclass(frozen=True)
class Machine:
    """What a reader of the figures must know.

    Attributes:
        cpu, cpus: the processor's name and how many this process may use.
        kernels: the instruction set chosen for each of our kernel families.
        versions: of the packages that are installed.
        commit: of the checkout, with ``+`` where files differ from it; empty outside of one.
        load: runnable processes in the minute before: above a few tenths, others compute too.
        date: ISO 8601, UTC.
    """

    cpu: str
    cpus: int
    kernels: dict[str, str]
    versions: dict[str, str]
    commit: str
    load: float
    date: str

    def lines(self) -> list[str]:
        """For people."""
        kernels = ", ".join(f"{family} {isa}" for family, isa in self.kernels.items())
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"CPU: {self.cpu}, {self.cpus} usable; load in the minute before: {self.load:.1f}",
            f"Our kernels: {kernels}",
            f"Versions: {versions}; commit {self.commit or 'unknown'}; {self.date}",
        ]


def this_machine() -> Machine:
    """The machine, as it is now."""
    return Machine(
        cpu=_cpu_name(),
        cpus=cpus(),
        kernels={kernel.family: kernel.isa for kernel in kernels() if kernel.chosen},
        versions=_versions(),
        commit=_commit(),
        load=round(os.getloadavg()[0], 2),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> str:
    if not (_ROOT / ".git").exists():  # installed: a repository around it is somebody else's
        return ""
    try:
        name, changes = (
            subprocess.run(
                ["git", *command], cwd=_ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            for command in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "-uno"))
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return name + "+" * bool(changes)

"""Which build of a runner (bench/cpp, `mk_bench`; bench/executorch, `mk_runner`) a device can run."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobilekernels.devices.base import Device, DeviceError

_BUILD = Path(__file__).parents[2] / "build"

# uname -m -> the ELF machine of its programs.
_MACHINES = {"x86_64": 62, "aarch64": 183, "armv7l": 40, "armv8l": 40}


@dataclass(frozen=True)
class Runner:
    """A program of ours for devices.

    Attributes:
        path: below the folder of a build.
        builds: uname -m -> folders below build/, of which the newest runner is taken, and what makes it.
    """

    name: str
    path: str
    builds: Mapping[str, tuple[tuple[str, ...], str]]


MK_BENCH = Runner(
    "mk_bench",
    "bench/cpp/mk_bench",
    {
        "x86_64": (("native", "cmake-*"), "make runner"),
        "aarch64": (("linux-aarch64", "native"), "make arm"),
        "armv7l": (("linux-armv7",), "make arm"),
        # 32-bit userland on a 64-bit core.
        "armv8l": (("linux-armv7",), "make arm"),
    },
)
# Its folder has links to the libraries that it needs.
MK_RUNNER = Runner(
    "mk_runner",
    "bench/executorch/mk_runner",
    {
        "x86_64": (("cmake-*",), "make build"),
        "aarch64": (("executorch-aarch64", "cmake-*"), "make executorch-aarch64"),
    },
)


def runner_for(device: Device, given: Path | None = None, which: Runner = MK_BENCH) -> Path:
    """The program to push to a device: the one given, or the one that the repository's build made.

    Raises:
        DeviceError: there is none for its architecture, or the one given is for another.
    """
    arch = device.arch()
    if arch not in which.builds:
        raise DeviceError(
            f"{device.name}: its processor is {arch}, accepted by {which.name} are {', '.join(which.builds)}"
        )
    folders, goal = which.builds[arch]
    machine = _MACHINES[arch]
    if given is not None:
        _check_machine(device.name, given, arch, machine)
        return given
    found = [
        path
        for folder in folders
        for path in _BUILD.glob(f"{folder}/{which.path}")
        if _elf_machine(path) == machine
    ]
    if not found:
        raise DeviceError(
            f"{device.name}: no {which.name} for {arch} is built: run `{goal}` in a clone of mobilekernels, "
            "or give one with --runner PATH"
        )
    return max(found, key=lambda path: path.stat().st_mtime)


def parse_result(device: str, text: str | bytes) -> Any:
    """What a runner told as JSON.

    Raises:
        DeviceError: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise DeviceError(f"{device}: the runner's result is no JSON ({error}): {text[:200]!r}") from error


def _check_machine(device: str, path: Path, arch: str, machine: int) -> None:
    if not path.is_file():
        raise DeviceError(f"runner: given {path}, which is no file")
    if _elf_machine(path) != machine:
        raise DeviceError(f"runner: given {path}, which is no program for {arch}, the processor of {device}")


def _elf_machine(path: Path) -> int | None:
    """The field e_machine of an ELF program; None of any other file."""
    with path.open("rb") as file:
        head = file.read(20)
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    machine: int = struct.unpack_from("<H", head, 18)[0]
    return machine

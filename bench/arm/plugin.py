"""Builds count_plugin.c and runs programs under an emulator that counts their instructions with it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("count_plugin.c")
LIBRARY = ROOT / "build" / "arm-count" / "libcount_plugin.so"


class CountError(Exception):
    """A run could not be counted; the message says why, and how to get what is missing."""


@dataclass(frozen=True)
class Block:
    """Straight code: how many instructions were executed in it, in one section of a run."""

    section: int
    pc: int
    executed: int
    symbol: str


@dataclass(frozen=True)
class Counts:
    """A run's blocks and what the program printed."""

    blocks: tuple[Block, ...]
    stdout: str


def build() -> Path:
    """The plugin, compiled where it is older than its source.

    Raises:
        CountError: the compiler's message.
    """
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < SOURCE.stat().st_mtime:
        LIBRARY.parent.mkdir(parents=True, exist_ok=True)
        flags = [
            "-std=c11",
            "-D_GNU_SOURCE",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fPIC",
            "-fvisibility=hidden",
        ]
        command = ["gcc", *flags, "-shared", "-o", str(LIBRARY), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CountError(f"count_plugin.c does not compile:\n{done.stderr}")
    return LIBRARY


def parse(lines: Iterator[str]) -> tuple[Block, ...]:
    """The plugin's output file.

    Raises:
        CountError: the run was cut off, or had several threads, whose counts are not exact.
    """
    blocks = []
    vcpus = 0
    for line in lines:
        if line.startswith("# vcpus "):
            vcpus = int(line.split()[2])
            continue
        section, pc, instructions, executions, symbol = line.split()
        blocks.append(Block(int(section), int(pc, 16), int(instructions) * int(executions), symbol))
    if vcpus != 1:
        raise CountError(
            f"counts: given a run of {vcpus} threads (0: cut off), accepted 1: others are not exact"
        )
    return tuple(blocks)


def run(emulator: Sequence[str], program: Sequence[str], env: Mapping[str, str] | None = None) -> Counts:
    """Counts `program`, run by `emulator` (qemu-aarch64 or qemu-arm, and its options).

    Raises:
        CountError: the emulator is missing, or the program failed; the message has its last lines.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts.txt"
        command = [*emulator, "-plugin", f"{build()},out={out}", *program]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        except FileNotFoundError:
            raise CountError(f"{emulator[0]} is missing: apt-get install qemu-user") from None
        if done.returncode != 0:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            raise CountError(
                f"{' '.join(program)} under {' '.join(emulator)}: exit code {done.returncode}\n{last}"
            )
        with out.open() as lines:
            return Counts(parse(lines), done.stdout)

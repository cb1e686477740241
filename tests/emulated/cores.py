"""An emulated core, how programs run on it, and what dispatch must choose there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "csrc" / "kernels"
BUILD = ROOT / "build"


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code and output, whose last line says it where something killed it."""

    code: int
    output: str


# Runs a command with more environment variables; the program may read the files.
Emulator = Callable[[Sequence[str], Mapping[str, str], Sequence[Path]], Outcome]


def qemu(*command: str) -> Emulator:
    """qemu's emulation of programs. It shares this machine's files."""

    def run(program: Sequence[str], variables: Mapping[str, str], files: Sequence[Path]) -> Outcome:
        done = subprocess.run(
            [*command, *program],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env=os.environ | dict(variables),
        )
        if done.returncode < 0:
            return Outcome(done.returncode, f"killed by signal {-done.returncode}")
        output = done.stdout if done.returncode == 0 else done.stdout + done.stderr
        return Outcome(done.returncode, output.strip())

    return run


def best_of_families(isas: Sequence[str]) -> dict[str, str]:
    """Kernel family -> the best of `isas` that it has a file for."""
    folders = (folder for folder in sorted(KERNELS.iterdir()) if folder.is_dir())
    return {f.name: [isa for isa in isas if (f / f"{isa}.cc").is_file()][-1] for f in folders}


@dataclass(frozen=True)
class Core:
    """A core to emulate: the CMake preset whose programs it runs, and the best of `isas` that it has.

    `isas` are those of its architecture, from the least preferred to the most (csrc/kernels/isa.h). Where
    `alone` is set, the tests run the kernels of `isa` and no others: its emulator is slow, and other cores
    test those.
    """

    name: str
    preset: str
    emulator: Emulator
    isas: tuple[str, ...]
    isa: str
    alone: bool = False
    # Families with files of the architecture's ISAs, and no kernel for this part of it but the scalar one.
    scalar_only: tuple[str, ...] = ()

    @property
    def tested(self) -> list[str]:
        """The ISAs that the tests run."""
        return [self.isa] if self.alone else list(self.isas[: self.isas.index(self.isa) + 1])

    @property
    def programs(self) -> Path:
        """The folder of the C++ tests."""
        return BUILD / self.preset / "tests" / "cpp"

    @property
    def runner(self) -> Path:
        return BUILD / self.preset / "bench" / "cpp" / "mk_bench"

    def run(self, *program: str | Path, cap: str | None = None, files: Sequence[Path] = ()) -> Outcome:
        """`cap`: no better ISA than this one."""
        variables = {"MOBILEKERNELS_ISA": cap or "", "MOBILEKERNELS_TEST_ISA": self.isa if self.alone else ""}
        return self.emulator([*map(str, program)], variables, files)

    def expected(self, cap: str | None) -> dict[str, str]:
        """Kernel family -> the ISA to be chosen there under a cap: the least of what each allows."""
        allowed = (self.isas.index(self.isa), self.isas.index(cap or self.isas[-1]))
        best = best_of_families(self.isas) | dict.fromkeys(self.scalar_only, "scalar")
        return {family: self.isas[min(*allowed, self.isas.index(isa))] for family, isa in best.items()}

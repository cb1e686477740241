"""Runs the cross-built C++ tests on emulated ARM cores: `make test-arm`.

Emulation proves bytes and the absence of illegal instructions; it says nothing about speed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"
AARCH64 = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu")
ARMV7 = ("qemu-arm", "-L", "/usr/arm-linux-gnueabihf", "-cpu")


@dataclass(frozen=True)
class Core:
    """A core to emulate, the build it runs, and the ISA that dispatch must choose there for GEMM."""

    name: str
    preset: str
    emulator: tuple[str, ...]
    isa: str


# With SME on, the emulator computes other int8 kernels wrongly (qemu 7.2): off.
CORES = (
    Core("cortex-a53", "linux-aarch64", AARCH64, "neon"),
    Core("cortex-a72", "linux-aarch64", AARCH64, "neon"),
    Core("cortex-a76", "linux-aarch64", AARCH64, "neon_dotprod"),
    Core("neoverse-n1", "linux-aarch64", AARCH64, "neon_dotprod"),
    Core("max,sme=off", "linux-aarch64", AARCH64, "neon_i8mm"),
    Core("cortex-a7", "linux-armv7", ARMV7, "neon"),
    Core("cortex-a15", "linux-armv7", ARMV7, "neon"),
)


def run(core: Core, program: Path) -> tuple[bool, str]:
    """Whether the program passed there, and its last line (or what killed it)."""
    command = [*core.emulator, core.name, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    last = lines[-1] if done.returncode >= 0 and lines else f"killed by signal {-done.returncode}"
    if done.returncode != 0:
        print("\n".join(lines[-20:]))
    return done.returncode == 0, last


def chosen_isa(core: Core) -> str:
    """What dispatch chooses for GEMM on this core."""
    command = [*core.emulator, core.name, str(BUILD / core.preset / "tests" / "cpp" / "print_kernels")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines)["gemm"]


def main() -> int:
    """Every test program on every core; 1 where one failed."""
    passed = failed = 0
    for core in CORES:
        begin = time.monotonic()
        isa = chosen_isa(core)
        results = [("dispatch to " + core.isa, isa == core.isa, f"chose {isa}")]
        for program in sorted((BUILD / core.preset / "tests" / "cpp").glob("*_test")):
            results.append((program.name, *run(core, program)))
        for name, good, last in results:
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"FAILED {core.name}: {name}: {last}")
        good_here = sum(good for _, good, _ in results)
        seconds = time.monotonic() - begin
        print(f"{core.name:14} {core.preset:14} {isa:13} {good_here}/{len(results)} passed, {seconds:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())

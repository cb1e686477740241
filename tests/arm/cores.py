"""The emulated cores, and what dispatch must choose on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# From the least preferred to the most (csrc/kernels/isa.h).
ISAS = ("scalar", "neon", "neon_dotprod", "neon_i8mm")
KERNELS = Path(__file__).parents[2] / "csrc" / "kernels"


def best_of_families() -> dict[str, str]:
    """Kernel family -> the best of ISAS that it has a file for."""
    folders = (folder for folder in sorted(KERNELS.iterdir()) if folder.is_dir())
    return {f.name: [isa for isa in ISAS if (f / f"{isa}.cc").is_file()][-1] for f in folders}


@dataclass(frozen=True)
class Core:
    """A core to emulate, the CMake preset whose programs it runs, and the best ISA it has."""

    name: str
    preset: str
    emulator: tuple[str, ...]
    isa: str

    def command(self, *program: str) -> list[str]:
        return [*self.emulator, "-cpu", self.name, *program]

    def expected(self, cap: str | None) -> dict[str, str]:
        """Kernel family -> the ISA to be chosen there under a cap: the least of what each allows."""
        allowed = (ISAS.index(self.isa), ISAS.index(cap or ISAS[-1]))
        return {family: ISAS[min(*allowed, ISAS.index(best))] for family, best in best_of_families().items()}


def _aarch64(name: str, isa: str) -> Core:
    return Core(name, "linux-aarch64", ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"), isa)


def _armv7(name: str) -> Core:
    return Core(name, "linux-armv7", ("qemu-arm", "-L", "/usr/arm-linux-gnueabihf"), "neon")


# With SME on, the emulator computes other int8 kernels wrongly (qemu 7.2): off.
CORES = (
    _aarch64("cortex-a53", "neon"),
    _aarch64("cortex-a72", "neon"),
    _aarch64("cortex-a76", "neon_dotprod"),
    _aarch64("neoverse-n1", "neon_dotprod"),
    _aarch64("max,sme=off", "neon_i8mm"),
    _armv7("cortex-a7"),
    _armv7("cortex-a15"),
)

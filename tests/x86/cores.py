"""The emulated x86 cores.

qemu translates programs, quickly, for cores up to AVX2; Bochs interprets them, and knows AVX-512.
"""

from __future__ import annotations

from tests.emulated.cores import Core, Emulator, qemu
from tests.x86.bochs import bochs

ISAS = ("scalar", "avx2", "avx512vnni")


def _core(name: str, emulator: Emulator, isa: str, alone: bool = False) -> Core:
    return Core(name, "linux-x86_64", emulator, ISAS, isa, alone)


# What each lacks is what it is here for: AVX, AVX2, AVX-512, VNNI; and one that has all.
TRANSLATED = tuple(
    _core(name, qemu("qemu-x86_64", "-cpu", name), isa)
    for name, isa in (("Nehalem", "scalar"), ("SandyBridge", "scalar"), ("Haswell", "avx2"))
)
SKYLAKE = _core("corei7_skylake_x", bochs("corei7_skylake_x"), "avx2")
ICELAKE = _core("corei7_icelake_u", bochs("corei7_icelake_u"), "avx512vnni", alone=True)
CORES = (*TRANSLATED, SKYLAKE, ICELAKE)

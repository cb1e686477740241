"""The emulated ARM cores."""

from __future__ import annotations

from tests.emulated.cores import Core, qemu

ISAS = ("scalar", "neon", "neon_dotprod", "neon_i8mm")


def _aarch64(name: str, isa: str) -> Core:
    return Core(
        name, "linux-aarch64", qemu("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", name), ISAS, isa
    )


def _armv7(name: str) -> Core:
    emulator = qemu("qemu-arm", "-L", "/usr/arm-linux-gnueabihf", "-cpu", name)
    # Its NEON has no fused multiply-add that one may count on.
    return Core(name, "linux-armv7", emulator, ISAS, "neon", scalar_only=("spgemm_f32",))


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

"""An ARM core emulated by qemu-user: proves bytes and the absence of illegal instructions, never speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobilekernels.devices.base import SHORT, DeviceError, call
from mobilekernels.devices.local import LocalDevice


@dataclass(frozen=True)
class _Emulator:
    program: str
    arch: str
    libraries: str  # of Debian's cross compilers, for programs that are not static


_EMULATORS = (
    _Emulator("qemu-aarch64", "aarch64", "/usr/aarch64-linux-gnu"),
    _Emulator("qemu-arm", "armv7l", "/usr/arm-linux-gnueabihf"),
)


class QemuDevice(LocalDevice):
    """``qemu:CPU``, where CPU is what qemu's -cpu takes: cortex-a53, cortex-a15, "max,sme=off" ...

    A CPU that the 64-bit emulator knows runs there, any other one in the 32-bit one.
    """

    emulated = True

    def __init__(self, name: str, cpu: str, parent: str | None = None) -> None:
        super().__init__(name, parent)
        self._cpu = cpu
        self._emulator = _emulator_of(name, cpu.partition(",")[0])

    def arch(self) -> str:
        return self._emulator.arch

    def describe(self) -> str:
        return f"{self._cpu}, emulated"

    def run(self, command: Sequence[str], timeout: float = SHORT) -> str:
        libraries = ["-L", self._emulator.libraries] if Path(self._emulator.libraries).is_dir() else []
        return super().run([self._emulator.program, *libraries, "-cpu", self._cpu, *command], timeout)


def _emulator_of(name: str, cpu: str) -> _Emulator:
    known: list[str] = []
    for emulator in _EMULATORS:
        # The help counts as a failure.
        text = call([emulator.program, "-cpu", "help"], f"{name}: {emulator.program}", accepted=(0, 1))
        cpus = text.decode().split()
        if cpu in cpus:
            return emulator
        known += [each for each in cpus if each.startswith(("cortex-a", "neoverse", "max"))]
    raise DeviceError(f"device: given {name!r}, accepted qemu: and one of {', '.join(sorted(set(known)))}")

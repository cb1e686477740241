"""This machine, and cores that qemu emulates on it."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mobilekernels.devices.base import SHORT, Device, call


class LocalDevice(Device):
    """The machine that this Python runs on."""

    def __init__(self, name: str = "local", parent: str | None = None) -> None:
        super().__init__(name)
        self._parent = parent

    def arch(self) -> str:
        return platform.machine()

    def describe(self) -> str:
        return ""

    def make_folder(self) -> str:
        return tempfile.mkdtemp(prefix="mobilekernels.", dir=self._parent)

    def remove_folder(self, folder: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def push(self, file: Path, path: str) -> None:
        shutil.copy(file, path)
        Path(path).chmod(0o755)

    def run(self, command: Sequence[str], timeout: float = SHORT) -> str:
        return call(command, f"{self.name}: {Path(command[0]).name}", timeout).decode(errors="replace")

    def pull(self, path: str) -> bytes:
        return Path(path).read_bytes()

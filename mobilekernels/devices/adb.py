"""An Android phone behind adb."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mobilekernels.devices.base import ShellDevice, call


class AdbDevice(ShellDevice):
    """``adb[:SERIAL]``: in /data/local/tmp the shell's user may run programs, on a phone without root too."""

    def __init__(self, name: str, serial: str = "", parent: str = "/data/local/tmp") -> None:
        super().__init__(name, parent)
        self._adb = ["adb", "-s", serial] if serial else ["adb"]

    def _shell(self, line: str) -> list[str]:
        return [*self._adb, "shell", line]

    def describe(self) -> str:
        names = (
            "ro.product.manufacturer",
            "ro.product.model",
            "ro.board.platform",
            "ro.build.version.release",
        )
        maker, model, platform, release = (self.run(["getprop", name]).strip() for name in names)
        system = f"Android {release}" if release else ""
        return ", ".join(filter(None, (f"{maker} {model}".strip(), platform, system)))

    def push(self, file: Path, path: str) -> None:
        call([*self._adb, "push", str(file), path], f"{self.name}: copy of {file.name}")
        self.run(["chmod", "755", path])

    def pull(self, path: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "pulled"
            call([*self._adb, "pull", path, str(copy)], f"{self.name}: {path}")
            return copy.read_bytes()

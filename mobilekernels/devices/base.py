"""What every road to a device can do."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

# Seconds for what is not the measurement itself: a connection, a copy.
SHORT = 120.0


class DeviceError(RuntimeError):
    """A device that cannot be reached, or a command that failed there; the message has what it printed."""


class Device(ABC):
    """A machine to run a program on.

    Attributes:
        name: as on the command line: "local", "qemu:cortex-a53", "ssh:pi@board", "adb".
        emulated: no time measured there means anything.
    """

    emulated = False

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def arch(self) -> str:
        """What `uname -m` says there: x86_64, aarch64, armv7l ..."""

    @abstractmethod
    def describe(self) -> str:
        """What a reader of a report should know it by; "" where the name says it all."""

    @abstractmethod
    def make_folder(self) -> str:
        """A new temporary folder there, in which programs may be run."""

    @abstractmethod
    def remove_folder(self, folder: str) -> None:
        """Takes away a folder that `make_folder` made."""

    @abstractmethod
    def push(self, file: Path, path: str) -> None:
        """Copies a file of this machine there; it may be run then."""

    @abstractmethod
    def run(self, command: Sequence[str], timeout: float = SHORT) -> str:
        """Runs a command there; gives what it wrote to stdout.

        Raises:
            DeviceError: it failed, or took more than ``timeout`` seconds.
        """

    @abstractmethod
    def pull(self, path: str) -> bytes:
        """The contents of a file there."""

    @contextlib.contextmanager
    def folder(self) -> Iterator[str]:
        """A temporary folder there, gone afterwards, whatever happened."""
        folder = self.make_folder()
        try:
            yield folder
        finally:
            # What went wrong inside matters more than a folder that stays.
            with contextlib.suppress(DeviceError):
                self.remove_folder(folder)


class ShellDevice(Device):
    """A device behind a POSIX shell: subclasses say how a command line gets there."""

    def __init__(self, name: str, parent: str) -> None:
        super().__init__(name)
        self.parent = parent

    @abstractmethod
    def _shell(self, line: str) -> list[str]:
        """The command of this machine that runs a line in the device's shell."""

    def arch(self) -> str:
        return self.run(["uname", "-m"]).strip()

    def make_folder(self) -> str:
        made = self.run(["mktemp", "-d", f"{self.parent}/mobilekernels.XXXXXX"]).strip()
        # It will be removed with all that is in it: no doubt about its name.
        if not re.fullmatch(re.escape(self.parent) + r"/mobilekernels\.\w{6}", made):
            raise DeviceError(f"{self.name}: mktemp in {self.parent} gave no folder but {made!r}")
        return made

    def remove_folder(self, folder: str) -> None:
        self.run(["rm", "-rf", folder])

    def run(self, command: Sequence[str], timeout: float = SHORT) -> str:
        line = shlex.join(command)
        return call(self._shell(line), f"{self.name}: {command[0]}", timeout).decode(errors="replace")


def call(
    command: Sequence[str],
    what: str,
    timeout: float = SHORT,
    stdin: bytes = b"",
    accepted: Collection[int] = (0,),
) -> bytes:
    """Runs a program of this machine; gives its stdout. ``accepted`` are the exit codes that mean success.

    Raises:
        DeviceError: it is missing, failed or took too long; ``what`` and what it printed are in the message.
    """
    if shutil.which(command[0]) is None:
        raise DeviceError(
            f"{what}: the program {command[0]} is missing: {_BRINGS.get(command[0], 'install it')}"
        )
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError(f"{what}: no answer within {timeout:g} s") from None
    if done.returncode in accepted:
        return done.stdout
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    printed = (done.stderr or done.stdout).decode(errors="replace").strip()
    raise DeviceError(
        f"{what}: failed with {how}" + (f":\n{printed}" if printed else ", and printed nothing")
    )


_BRINGS = {
    "ssh": "apt-get install openssh-client",
    "adb": "apt-get install adb, or Android's platform-tools",
    "qemu-aarch64": "apt-get install qemu-user",
    "qemu-arm": "apt-get install qemu-user",
}

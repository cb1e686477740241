"""A board behind ssh."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobilekernels.devices.base import ShellDevice, call


@dataclass(frozen=True)
class Address:
    """Where sshd listens; ``port`` None leaves it to ssh's own configuration."""

    host: str  # user@host, or a name of ~/.ssh/config
    port: int | None = None


class SshDevice(ShellDevice):
    """``ssh:USER@HOST[:PORT]``, with the user's own keys and ~/.ssh/config; nothing is asked on the way.

    Files go through the shell (`cat`), not through scp: small boards often have no sftp server.
    """

    def __init__(
        self, name: str, address: Address, options: Sequence[str] = (), parent: str = "/tmp"
    ) -> None:
        super().__init__(name, parent)
        port = [] if address.port is None else ["-p", str(address.port)]
        given = [word for option in options for word in ("-o", option)]
        # The options given come first: of two values ssh takes the first.
        own = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        self._ssh = ["ssh", "-T", *given, *own, *port, "--", address.host]

    def _shell(self, line: str) -> list[str]:
        return [*self._ssh, line]

    def describe(self) -> str:
        return ""

    def push(self, file: Path, path: str) -> None:
        target = shlex.quote(path)
        line = f"cat > {target} && chmod 755 {target}"
        call(self._shell(line), f"{self.name}: copy of {file.name}", stdin=file.read_bytes())

    def pull(self, path: str) -> bytes:
        return call(self._shell(f"cat {shlex.quote(path)}"), f"{self.name}: {path}")

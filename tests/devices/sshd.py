"""An sshd of our own on loopback: real keys and logins, none of the user's configuration."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mobilekernels.devices.base import Device
from mobilekernels.devices.open import open_device
from tests.devices import needs


@dataclass(frozen=True)
class Server:
    port: int
    options: list[str]

    def device(self, folder: Path | None = None) -> Device:
        name = f"ssh:{getpass.getuser()}@127.0.0.1:{self.port}"
        return open_device(name, self.options, None if folder is None else str(folder))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_it_listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"sshd does not listen:\n{log.read_text()}")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """``folder`` has its keys and log."""
    sshd, keygen = needs.program("sshd", "openssh-server"), needs.program("ssh-keygen", "openssh-client")
    needs.program("ssh", "openssh-client")
    for key in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    if os.getuid() == 0:  # where sshd of root confines itself
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port, log = free_port(), folder / "log"
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPasswordAuthentication no\nPermitRootLogin yes\n"
        # The folder of the keys lies below /tmp, which others may write to.
        "StrictModes no\n"
    )
    with log.open("wb") as errors:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "config"], stderr=errors)
    try:
        wait_until_it_listens(process, port, log)
        host = (folder / "host.pub").read_text()
        (folder / "known").write_text(f"[127.0.0.1]:{port} {host}")
        yield Server(
            port,
            [
                f"IdentityFile={folder}/user",
                "IdentitiesOnly=yes",
                f"UserKnownHostsFile={folder}/known",
                "StrictHostKeyChecking=yes",
            ],
        )
    finally:
        process.terminate()
        process.wait(timeout=10)

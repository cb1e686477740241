"""ssh, against an sshd of our own on loopback: real keys and logins, none of the user's configuration."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mobilekernels.bench.on_device import Settings
from mobilekernels.devices.base import Device, DeviceError
from mobilekernels.devices.open import open_device
from tests.devices import check, needs


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sshd, keygen = needs.program("sshd", "openssh-server"), needs.program("ssh-keygen", "openssh-client")
    needs.program("ssh", "openssh-client")
    folder = tmp_path_factory.mktemp("sshd")
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "on the device"
    path.mkdir()
    return path


def test_runs_there(server: Server, folder: Path) -> None:
    needs.local()
    device = server.device(folder)
    assert device.arch() == platform.machine()
    found = check.bytes_are_right(device, folder, Settings(rounds=3, warmup=1, threads=2, pin="0"))
    assert found["pinned_cpus"] == [0]
    assert found["device"]["architecture"] == platform.machine()


def test_failures_there_are_shown(server: Server, folder: Path) -> None:
    needs.local()
    check.failures_are_shown(server.device(folder), folder)
    with pytest.raises(DeviceError, match=r"exit code 1:\n.*No such file"):
        server.device().pull(str(folder / "nothing"))
    with pytest.raises(DeviceError, match="nowhere"):
        server.device(folder / "nowhere").make_folder()


def test_arguments_arrive_as_they_are(server: Server) -> None:
    words = ["a b", "$HOME", "'quoted'", '"', "*", ";false"]
    assert server.device().run(["printf", "%s\\n", *words]).splitlines() == words


def test_files_come_and_go_unchanged(server: Server, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 4000)
    device = server.device()
    device.push(source, f"{folder}/a copy")
    assert device.pull(f"{folder}/a copy") == source.read_bytes()
    assert os.access(folder / "a copy", os.X_OK)


def test_a_stranger_is_refused_without_a_question(server: Server) -> None:
    options = [option for option in server.options if not option.startswith("IdentityFile")]
    device = Server(server.port, [*options, "IdentityFile=/dev/null"]).device()
    with pytest.raises(DeviceError, match="Permission denied"):
        device.arch()


def test_an_unknown_host_is_refused(server: Server) -> None:
    options = [option for option in server.options if not option.startswith("UserKnownHostsFile")]
    device = Server(server.port, [*options, "UserKnownHostsFile=/dev/null"]).device()
    with pytest.raises(DeviceError, match="Host key verification failed"):
        device.arch()


def test_nobody_listens(server: Server) -> None:
    with pytest.raises(DeviceError, match="Connection refused"):
        Server(free_port(), server.options).device().arch()

"""ssh, against an sshd of our own on loopback: real keys and logins, none of the user's configuration."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from mobilekernels.bench.on_device import Settings
from mobilekernels.devices.base import DeviceError
from tests.devices import check, needs
from tests.devices.sshd import Server, free_port, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sshd")) as found:
        yield found


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

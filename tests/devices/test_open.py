"""Names of devices, and the runner that each gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobilekernels.devices import runner
from mobilekernels.devices.adb import AdbDevice
from mobilekernels.devices.arm_cores import core_name
from mobilekernels.devices.base import DeviceError
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.open import open_device
from mobilekernels.devices.runner import runner_for
from mobilekernels.devices.ssh import SshDevice
from tests.devices import needs


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ssh:board", ["--", "board"]),
        ("ssh:pi@192.168.1.7", ["--", "pi@192.168.1.7"]),
        ("ssh:pi@board.local:2222", ["-p", "2222", "--", "pi@board.local"]),
        ("ssh:[fe80::1%eth0]", ["--", "fe80::1%eth0"]),
        ("ssh:root@[::1]:22", ["-p", "22", "--", "root@::1"]),
    ],
)
def test_ssh_addresses(name: str, words: list[str]) -> None:
    device = open_device(name, ["User=me"])
    assert isinstance(device, SshDevice)
    command = device._shell("ls")
    assert command[-len(words) - 1 :] == [*words, "ls"]
    assert command[:4] == ["ssh", "-T", "-o", "User=me"]
    assert "BatchMode=yes" in command


def test_adb_serials() -> None:
    for name, words in {
        "adb": [],
        "adb:R58M12ABCDE": ["-s", "R58M12ABCDE"],
        "adb:10.0.0.2:5555": ["-s", "10.0.0.2:5555"],
    }.items():
        device = open_device(name)
        assert isinstance(device, AdbDevice)
        assert device._shell("ls") == ["adb", *words, "shell", "ls"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "phone",
        "local:1",
        "qemu",
        "qemu:",
        "ssh",
        "ssh:",
        "ssh:-oProxyCommand=x",
        "ssh:a b",
        "ssh:a:port",
        "adb:",
        "adb:-x",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"device: given .*, accepted local, qemu:CPU, ssh:"):
        open_device(name)


def test_an_unknown_core_is_refused() -> None:
    needs.program("qemu-aarch64", "qemu-user")
    with pytest.raises(DeviceError, match=r"given 'qemu:z80', accepted qemu: and one of .*cortex-a53"):
        open_device("qemu:z80")


def test_a_missing_emulator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="qemu-aarch64 is missing: apt-get install qemu-user"):
        open_device("qemu:cortex-a53")


class Elsewhere(LocalDevice):
    def __init__(self, arch: str) -> None:
        super().__init__("board")
        self._arch = arch

    def arch(self) -> str:
        return self._arch


def test_a_runner_that_is_not_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "_BUILD", tmp_path)
    with pytest.raises(
        DeviceError, match=r"board: no mk_bench for aarch64 is built: run `make arm`.*--runner"
    ):
        runner_for(Elsewhere("aarch64"))
    with pytest.raises(
        DeviceError, match="its processor is riscv64, accepted by mk_bench are x86_64, aarch64"
    ):
        runner_for(Elsewhere("riscv64"))


def elf(path: Path, machine: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little"))
    return path


def test_the_runner_fits_the_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "_BUILD", tmp_path)
    arm64 = elf(tmp_path / "linux-aarch64" / "bench" / "cpp" / "mk_bench", 183)
    arm32 = elf(tmp_path / "linux-armv7" / "bench" / "cpp" / "mk_bench", 40)
    x86 = elf(tmp_path / "native" / "bench" / "cpp" / "mk_bench", 62)
    archs = {"aarch64": arm64, "armv7l": arm32, "armv8l": arm32, "x86_64": x86}
    assert {arch: runner_for(Elsewhere(arch)) for arch in archs} == archs
    assert runner_for(Elsewhere("aarch64"), arm64) == arm64
    with pytest.raises(DeviceError, match="which is no program for aarch64, the processor of board"):
        runner_for(Elsewhere("aarch64"), x86)
    with pytest.raises(DeviceError, match="which is no file"):
        runner_for(Elsewhere("aarch64"), tmp_path / "nothing")


def test_core_names() -> None:
    assert core_name("0x41", "0xd05") == "Cortex-A55"
    assert core_name("0x99", "0x001") == "core 0x99/0x001"
    assert core_name("", "x") == "core /x"

"""This machine, and emulated cores."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from mobilekernels.bench.on_device import Settings
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.open import open_device
from tests.devices import check, needs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "device").mkdir()
    return tmp_path / "device"


def test_local(folder: Path) -> None:
    needs.local()
    device = LocalDevice(parent=str(folder))
    found = check.bytes_are_right(device, folder, Settings(rounds=2, threads=2))
    assert found["device"]["architecture"] == platform.machine()
    check.failures_are_shown(device, folder)


@pytest.mark.parametrize(
    ("cpu", "arch", "isas"),
    [
        ("cortex-a53", "aarch64", {"neon"}),
        ("neoverse-n1", "aarch64", {"neon", "neon_dotprod"}),
        ("max,sme=off", "aarch64", {"neon", "neon_dotprod", "neon_i8mm"}),
        ("cortex-a15", "armv7l", {"neon"}),
    ],
)
def test_emulated_cores(cpu: str, arch: str, isas: set[str], folder: Path) -> None:
    needs.emulated(cpu)
    device = open_device(f"qemu:{cpu}", folder=str(folder))
    assert device.emulated
    found = check.bytes_are_right(device, folder, Settings(timed=False, threads=2))
    assert found["device"]["architecture"] == arch
    assert found["device"]["model"] == ""  # /proc/cpuinfo is that of the machine beneath
    # Not every instruction set has block-sparse kernels of its own.
    dense = [layer for layer in found["layers"] if not layer["name"].startswith("sparse_")]
    assert {layer["isa"] for layer in dense} - {"none"} == isas
    assert not any("_ns" in key for key in found)


def test_a_failure_under_emulation_is_shown(folder: Path) -> None:
    needs.emulated("cortex-a53")
    device = open_device("qemu:cortex-a53", folder=str(folder))
    bad = folder.parent / "bad.txt"
    bad.write_text("a: conv2d in=1\n")
    with pytest.raises(check.DeviceError, match="key 'image' is missing"):
        check.run_on(device, bad, Settings(timed=False))
    assert list(folder.iterdir()) == []

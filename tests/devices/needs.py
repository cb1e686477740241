"""What tests of devices need: where it is missing they are skipped.

With MOBILEKERNELS_REQUIRE_DEVICES=1, as in CI, they fail instead.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from mobilekernels.devices.base import Device, DeviceError
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.open import open_device
from mobilekernels.devices.runner import runner_for


def missing(reason: str) -> NoReturn:
    if os.environ.get("MOBILEKERNELS_REQUIRE_DEVICES"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    """The path of a program, looked for where sshd lies too."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    return path or missing(f"needs {name}: apt-get install {package}")


def with_runner(device: Device) -> Device:
    try:
        runner_for(device)
    except DeviceError as error:
        missing(str(error))
    return device


def local() -> Device:
    return with_runner(LocalDevice())


def emulated(cpu: str) -> Device:
    program("qemu-aarch64", "qemu-user")
    program("qemu-arm", "qemu-user")
    return with_runner(open_device(f"qemu:{cpu}"))


def local_runner() -> Path:
    return runner_for(local())

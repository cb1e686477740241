"""A device by its name on the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mobilekernels.devices.adb import AdbDevice
from mobilekernels.devices.base import Device
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.qemu import QemuDevice
from mobilekernels.devices.ssh import Address, SshDevice

FORMS = "local, qemu:CPU, ssh:[USER@]HOST[:PORT], adb[:SERIAL]"

# A host that begins with "-" would be an option of ssh.
_ADDRESS = re.compile(r"(?P<host>(?:[\w.-]+@)?(?:[\w][\w.-]*|\[[0-9a-fA-F:%\w]+\]))(?::(?P<port>\d{1,5}))?")


def open_device(name: str, ssh_options: Sequence[str] = (), folder: str | None = None) -> Device:
    """The device of that name; nothing but qemu's list of cores is asked yet.

    Args:
        name: one of `FORMS`.
        ssh_options: for ``ssh -o``, such as "IdentityFile=~/.ssh/board".
        folder: where the temporary folder is made there, instead of the road's own choice.

    Raises:
        ValueError: the name has none of the forms.
        DeviceError: qemu is missing, or knows no such core.
    """
    road, colon, rest = name.partition(":")
    if name == "local":
        return LocalDevice(parent=folder)
    if road == "qemu" and rest:
        return QemuDevice(name, rest, folder)
    if road == "ssh" and (address := _ADDRESS.fullmatch(rest)):
        port = None if address["port"] is None else int(address["port"])
        return SshDevice(name, Address(_bare(address["host"]), port), ssh_options, folder or "/tmp")
    if road == "adb" and bool(rest) == bool(colon) and not rest.startswith("-"):
        return AdbDevice(name, rest, folder or "/data/local/tmp")
    raise ValueError(f"device: given {name!r}, accepted {FORMS}")


def _bare(host: str) -> str:
    """An IPv6 address without the brackets that set it off from the port."""
    return host.replace("[", "").replace("]", "")

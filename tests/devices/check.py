"""A run on a device, with all that must hold of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mobilekernels.bench.on_device import Settings, run_on
from mobilekernels.devices.base import Device, DeviceError

BENCH = Path(__file__).parents[1] / "bench"
LAYERS = BENCH / "layers.txt"
CHECKSUMS = dict(line.split() for line in (BENCH / "checksums.txt").read_text().splitlines())


def bytes_are_right(device: Device, folder: Path, settings: Settings) -> dict[str, Any]:
    """Runs every operator there; ``folder`` is where the device makes its temporary folder."""
    found = dict(run_on(device, LAYERS, settings))
    assert {layer["name"]: layer["checksum"] for layer in found["layers"]} == CHECKSUMS
    assert found["timed"] == settings.timed
    assert list(folder.iterdir()) == []
    return found


def failures_are_shown(device: Device, folder: Path) -> None:
    """A list that the runner refuses: its message arrives, and the folder is gone all the same."""
    bad = folder.parent / "bad list.txt"
    bad.write_text("a: conv3d x=1\n")
    with pytest.raises(DeviceError, match=r"exit code 2:\n(.*\n)*.*bad list.txt:1: op: given 'conv3d'"):
        run_on(device, bad, Settings(timed=False))
    assert list(folder.iterdir()) == []
    with pytest.raises(DeviceError, match=r"no answer within 0\.2 s"):
        device.run(["sleep", "5"], timeout=0.2)

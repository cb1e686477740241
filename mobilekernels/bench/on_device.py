"""Runs a layer list on a device: push the runner and the list, run, bring back the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobilekernels.devices.base import Device, DeviceError
from mobilekernels.devices.runner import parse_result, runner_for


@dataclass(frozen=True)
class Settings:
    """How to run; the names are those of the runner's options.

    Attributes:
        timed: False asks for bytes alone: one run of each layer.
        timeout: seconds for the whole list.
    """

    threads: int = 1
    rounds: int = 20
    warmup: int = 3
    pin: str = "none"
    isa: str = ""
    cold_weights: bool = False
    timed: bool = True
    timeout: float = 600.0

    def options(self) -> list[str]:
        """For the runner's command line."""
        options = ["--threads", str(self.threads), *(["--isa", self.isa] if self.isa else [])]
        if not self.timed:
            return [*options, "--check"]
        cold = ["--cold-weights"] if self.cold_weights else []
        times = ["--rounds", str(self.rounds), "--warmup", str(self.warmup), "--pin", self.pin]
        return [*options, *times, *cold]


def run_on(device: Device, layers: Path, settings: Settings, runner: Path | None = None) -> Mapping[str, Any]:
    """Run the list of the file ``layers`` there; gives the runner's JSON.

    Args:
        runner: the program to push, instead of the one that the repository's build made.

    Raises:
        DeviceError: the device cannot be reached, has no runner, or the run failed there.
    """
    program = runner_for(device, runner)
    with device.folder() as folder:
        device.push(program, f"{folder}/mk_bench")
        device.push(layers, f"{folder}/{layers.name}")
        result = f"{folder}/result.json"
        command = [f"{folder}/mk_bench", f"{folder}/{layers.name}", *settings.options(), "--json", result]
        device.run(command, settings.timeout)
        return _parsed(device.name, device.pull(result))


def _parsed(device: str, text: bytes) -> Mapping[str, Any]:
    result = parse_result(device, text)
    if not isinstance(result, dict) or result.get("format") != 1:
        raise DeviceError(f"{device}: the runner is of another version than this package: build it again")
    return result

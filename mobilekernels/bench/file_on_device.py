"""Runs a `.pte` file on a device: push mk_runner, the file and inputs; bring back what it gave."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobilekernels.devices.base import Device, DeviceError
from mobilekernels.devices.runner import MK_RUNNER, parse_result, runner_for


@dataclass(frozen=True)
class FileSettings:
    """How to run; the names are those of the runner's options.

    Attributes:
        timed: False asks for the output alone: one call.
        timeout: seconds for all calls.
    """

    threads: int = 1
    rounds: int = 20
    warmup: int = 3
    timed: bool = True
    timeout: float = 600.0

    def options(self) -> list[str]:
        """For the runner's command line."""
        options = ["--threads", str(self.threads), "--json"]
        if not self.timed:
            return options
        return [*options, "--repeat", str(self.rounds), "--warmup", str(self.warmup), "--profile"]


@dataclass(frozen=True)
class FileRun:
    """What one device did with a file.

    Attributes:
        device, label: its name on the command line, and what else it is known by.
        emulated: there are no times.
        measured: the runner's JSON, without times of an emulated core.
        output: the bytes of the first output.
    """

    device: str
    label: str
    emulated: bool
    measured: Mapping[str, Any]
    output: bytes


# Of an emulated core they mean nothing.
_TIMES = ("latency_us", "load_ms", "first_call_us", "profiled_call_us", "operators")


def run_file_on(
    device: Device,
    model: Path,
    inputs: Sequence[np.ndarray],
    settings: FileSettings,
    runner: Path | None = None,
) -> FileRun:
    """Run a file of `mobilekernels.export` there.

    Args:
        inputs: of a call; none: zeros of the shapes that the file was planned for.
        runner: the mk_runner to push, whose folder has the libraries that it needs, instead of the build's.

    Raises:
        DeviceError: the device cannot be reached, has no runner, or the run failed there.
    """
    program = runner_for(device, runner, MK_RUNNER)
    with device.folder() as folder:
        for file in (program, *sorted(program.parent.glob("*.so"))):
            device.push(file, f"{folder}/{file.name}")
        device.push(model, f"{folder}/model.pte")
        given = _push_inputs(device, inputs, folder)
        output = f"{folder}/output.bin"
        command = [f"{folder}/{program.name}", f"{folder}/model.pte", *given, "--output", output]
        told = device.run([*command, *settings.options()], settings.timeout)
        measured = _parsed(device.name, told) | {"model": model.name}
        if device.emulated:
            measured = {name: value for name, value in measured.items() if name not in _TIMES}
        return FileRun(device.name, device.describe(), device.emulated, measured, device.pull(output))


def _push_inputs(device: Device, inputs: Sequence[np.ndarray], folder: str) -> list[str]:
    options: list[str] = []
    for index, values in enumerate(inputs):
        name = f"{folder}/input{index}.bin"
        with tempfile.NamedTemporaryFile() as file:
            file.write(values.tobytes())
            file.flush()
            device.push(Path(file.name), name)
        options += ["--input", f"{name}:{','.join(map(str, values.shape))}"]
    return options


def _parsed(device: str, text: str) -> dict[str, Any]:
    result = parse_result(device, text)
    if not isinstance(result, dict) or "inputs" not in result:
        raise DeviceError(f"{device}: mk_runner is of another version than this package: build it again")
    return result

"""What bounds any kernel on this machine, measured by the runner: `mk_bench --peak`."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from mobilekernels.devices.base import DeviceError
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.runner import runner_for


@dataclass(frozen=True)
class Roofs:
    """Of one thread.

    Attributes:
        instruction: the int8 dot product that was run in registers.
        gmacs: 10^9 multiply-accumulates a second; 0 where it is not known.
        memory_gbytes: 10^9 bytes a second read from memory; 0 where it is not known.
        absent: why they are not known, or empty.
    """

    instruction: str = ""
    gmacs: float = 0.0
    memory_gbytes: float = 0.0
    absent: str = ""

    def text(self) -> str:
        """One line."""
        if self.absent:
            return f"Peak not measured: {self.absent}"
        return (
            f"Peak of one thread: {self.gmacs:.0f} GMAC/s in registers ({self.instruction}), "
            f"{self.memory_gbytes:.0f} GB/s read from memory"
        )


def measure_roofs() -> Roofs:
    """Run the runner; without one, roofs that say so."""
    try:
        program = runner_for(LocalDevice())
        run = subprocess.run([program, "--peak"], capture_output=True, text=True, check=True)
        return Roofs(**json.loads(run.stdout))
    except (DeviceError, OSError, subprocess.CalledProcessError) as error:
        return Roofs(absent=str(error))

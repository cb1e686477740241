"""How often each instruction of the C++ runner is executed in a layer, on an emulated x86 core.

Bochs has AVX-512 where qemu has not, and its guest (tests/x86/guest) counts by single steps.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.arm.plugin import ROOT, CountError
from mobilekernels.bench.layers import Layer
from tests.x86.bochs import BochsError, bochs

RUNNER = ROOT / "build" / "linux-x86_64" / "bench" / "cpp" / "mk_bench"
CPU = "corei7_icelake_u"
# tests/x86/guest/steps.h
_STEPS = re.compile(r"^@([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Steps:
    """One run of a layer.

    Attributes:
        isa: of its kernel.
        executions: by address of an instruction in the runner.
    """

    layer: Layer
    isa: str
    macs: int
    executions: Counter[int]

    @property
    def instructions(self) -> int:
        return self.executions.total()


def split(output: str, sections: int) -> tuple[list[Counter[int]], str]:
    """What a program's output has of each section, by address, and what the program itself wrote."""
    found = [Counter[int]() for _ in range(sections)]
    for section, address, executed in _STEPS.findall(output):
        found[int(section, 16) - 1][int(address, 16)] += int(executed, 16)
    return found, _STEPS.sub("", output)


def count(layers: Sequence[Layer], isa: str) -> list[Steps]:
    """Every layer, with the ISA capped to `isa`.

    Raises:
        CountError: the runner or Bochs is missing, or the run failed; the message has its last lines.
    """
    if not RUNNER.exists():
        raise CountError(f"{RUNNER} is missing: make x86")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{layer}\n" for layer in layers))
        file.flush()
        command = [str(RUNNER), file.name, "--mark", "--json", "-", "--isa", isa]
        try:
            outcome = bochs(CPU)(command, {}, [Path(file.name)])
        except BochsError as error:
            raise CountError(str(error)) from error
    if outcome.code != 0:
        last = "\n".join(outcome.output.splitlines()[-10:])
        raise CountError(f"{' '.join(command)} in Bochs: exit code {outcome.code}\n{last}")
    sections, written = split(outcome.output, len(layers))
    return [
        Steps(layer, ran["isa"], ran["macs"], executions)
        for layer, ran, executions in zip(layers, json.loads(written)["layers"], sections, strict=True)
    ]

"""Expected instruction counts of our operators. Counts are exact: where they change, the code did."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.arm.plugin import ROOT, CountError
from bench.arm.result import Result

FILE = Path(__file__).with_name("expected_counts.json")
COMMANDS = ROOT / "build" / "linux-aarch64" / "compile_commands.json"
TOLERANCE = 0.02


@dataclass(frozen=True)
class Expected:
    """What is recorded: counts by CPU and layer, of one compiler's code."""

    compiler: str
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Difference:
    """A count that is not the expected one within the tolerance; `expected` None: not recorded."""

    cpu: str
    layer: str
    counted: int
    expected: int | None

    @property
    def is_worse(self) -> bool:
        return self.expected is None or self.counted > self.expected

    def __str__(self) -> str:
        where = f"{self.cpu}, {self.layer}: {self.counted} instructions"
        if self.expected is None:
            return f"{where}, none recorded"
        return f"{where}, expected {self.expected}: {100 * (self.counted / self.expected - 1):+.1f} %"


def compiler() -> str:
    """The compiler of the cross build, as it calls itself.

    Raises:
        CountError: nothing was built.
    """
    if not COMMANDS.exists():
        raise CountError(f"{COMMANDS} is missing: make arm")
    command = json.loads(COMMANDS.read_text())[0]["command"].split()[0]
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0]


def read(path: Path = FILE) -> Expected:
    """The recorded counts.

    Raises:
        CountError: none are recorded.
    """
    if not path.exists():
        raise CountError(f"{path} is missing: record counts with --update")
    content = json.loads(path.read_text())
    return Expected(content["compiler"], content["counts"])


def write(results: Sequence[Result], made_by: str, path: Path = FILE) -> None:
    """Records counts; those of other CPUs are dropped."""
    counts: dict[str, dict[str, int]] = {}
    for result in results:
        counts.setdefault(result.cpu, {})[result.layer] = result.instructions
    path.write_text(json.dumps({"compiler": made_by, "counts": counts}, indent=1) + "\n")


def differences(results: Sequence[Result], expected: Expected) -> list[Difference]:
    """What is off by more than the tolerance, or not recorded."""
    result = []
    for counted in results:
        recorded = expected.counts.get(counted.cpu, {}).get(counted.layer)
        if recorded is None or abs(counted.instructions - recorded) > TOLERANCE * recorded:
            result.append(Difference(counted.cpu, counted.layer, counted.instructions, recorded))
    return result


def check(results: Sequence[Result], expected: Expected, made_by: str) -> tuple[list[str], bool]:
    """What to tell, and whether the gate is passed. Another compiler's counts are not gated."""
    if made_by != expected.compiler:
        return [f"GATE OFF: counts were recorded with {expected.compiler}, this build is of {made_by}"], True
    found = differences(results, expected)
    worse = [difference for difference in found if difference.is_worse]
    better = [difference for difference in found if not difference.is_worse]
    lines = [f"WORSE {difference}" for difference in worse] + [
        f"better {difference}" for difference in better
    ]
    if better:
        lines.append("better than recorded: record it with --update")
    lines.append(f"gate: {len(results) - len(found)} of {len(results)} counts as recorded, within 2 %")
    return lines, not worse

"""What a suite gives on an emulated core, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Result:
    """The outcome of `suite` on `core`; `failures` and `notes` are lines to print."""

    core: str
    suite: str
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def check(self, good: bool, failure: str) -> None:
        if good:
            self.passed += 1
        else:
            self.failures.append(failure)

    def add(self, other: Result) -> None:
        """Takes in what a further part of the suite gave."""
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.notes += other.notes
        self.seconds += other.seconds

    def text(self) -> str:
        counts = f"{self.passed} passed, {len(self.failures)} failed"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        lines = [f"{self.core:14} {self.suite:20} {counts}{skipped}, {self.seconds:.0f} s"]
        lines += [f"  FAILED {failure}" for failure in self.failures]
        return "\n".join(lines + [f"  {note}" for note in self.notes])


def matrix(results: Sequence[Result]) -> str:
    """Cores down, suites across: tests passed, failed where any did, and minutes."""
    suites = list(dict.fromkeys(result.suite for result in results))
    found = {(result.core, result.suite): result for result in results}
    lines = ["| CPU | " + " | ".join(suites) + " |", "|---" * (len(suites) + 1) + "|"]
    for core in dict.fromkeys(result.core for result in results):
        cells = []
        for suite in suites:
            result = found.get((core, suite))
            failed = f", {len(result.failures)} FAILED" if result and result.failures else ""
            cells.append(f"{result.passed}{failed} in {result.seconds / 60:.1f} min" if result else "")
        lines.append(f"| {core} | " + " | ".join(cells) + " |")
    return "\n".join(lines)

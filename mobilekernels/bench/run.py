"""One run of a layer list on one device, as it is kept in a file."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobilekernels.devices.arm_cores import core_name

FORMAT = "mobilekernels-bench-1"


@dataclass(frozen=True)
class LayerResult:
    """One layer of a run; ``median_ns`` is None where nothing was timed."""

    name: str
    op: str
    isa: str
    macs: int
    checksum: str
    same_bytes: bool
    median_ns: float | None

    @property
    def gmacs(self) -> float | None:
        """10^9 multiply-accumulates a second."""
        return self.macs / self.median_ns if self.median_ns and self.macs else None


@dataclass(frozen=True)
class Run:
    """What one device did.

    Attributes:
        date: ISO 8601, UTC.
        source: the model or the layer list.
        device: its name on the command line.
        label: what else it is known by.
        emulated: its runner was asked for bytes alone, and there are no times.
        version: of mobilekernels.
        reference: checksums of the same list on the machine that asked, layer by layer.
        measured: the runner's JSON.
    """

    date: str
    source: str
    device: str
    label: str
    emulated: bool
    version: str
    reference: tuple[str, ...]
    measured: Mapping[str, Any]

    @property
    def layers(self) -> tuple[LayerResult, ...]:
        """One result a layer, in the list's order."""
        return tuple(
            LayerResult(
                layer["name"],
                layer["op"],
                layer["isa"],
                layer["macs"],
                layer["checksum"],
                layer["checksum"] == expected,
                layer.get("median_ns"),
            )
            for layer, expected in zip(self.measured["layers"], self.reference, strict=True)
        )

    @property
    def total_ms(self) -> float | None:
        """The sum of the layers' medians."""
        total = self.measured.get("total_ns")
        return None if total is None else total / 1e6

    @property
    def processor(self) -> str:
        """Its cores by name where they have one, else the model's name."""
        device = self.measured["device"]
        parts = Counter(core_name(c["implementer"], c["part"]) for c in device["cores"] if c.get("part"))
        names = ", ".join(f"{count}x {name}" for name, count in parts.items())
        model = "" if self.emulated else device["model"]
        return ", ".join(filter(None, (self.label, model, names or self._core_count())))

    def _core_count(self) -> str:
        return "" if self.emulated else f"{len(self.measured['device']['cores'])} cores"

    @property
    def kernels(self) -> str:
        """The instruction sets of the kernels that ran, most used first: ``neon_dotprod 53, neon 11``."""
        counts = Counter(layer.isa for layer in self.layers if layer.isa != "none")
        return ", ".join(f"{isa} {count}" for isa, count in counts.most_common())

    @property
    def settings(self) -> str:
        """Threads, pinning and cap."""
        threads = self.measured["threads"]
        words = [f"{threads} thread{'s' * (threads != 1)}"]
        if self.measured["pin"] != "none":
            cpus = ",".join(map(str, self.measured["pinned_cpus"]))
            words.append(f"pinned to {self.measured['pin']} (CPU {cpus})")
        if self.measured["isa_cap"]:
            words.append(f"at most {self.measured['isa_cap']}")
        if self.measured.get("cold_weights"):
            words.append("cold weights")
        return ", ".join(words)

    def notes(self) -> list[str]:
        """What a reader must know about the figures."""
        if self.emulated:
            return ["emulated: bytes checked, time not reported"]
        return [*self._governor(), *self._warming(), *self._throttling()]

    def _governor(self) -> list[str]:
        names = {core["governor"] for core in self.measured["device"]["cores"] if "governor" in core}
        return [f"governor {', '.join(sorted(names))}"] if names else []

    def _warming(self) -> list[str]:
        before = {zone["zone"]: zone["celsius"] for zone in self.measured.get("thermal_before", ())}
        zones = [
            (zone["celsius"] - before[zone["zone"]], zone["celsius"], zone["zone"])
            for zone in self.measured.get("thermal_after", ())
            if zone["zone"] in before
        ]
        if not zones:
            return []
        rise, now, name = max(zones)
        return [f"{name} {rise:+.1f} to {now:.1f} °C"]

    def _throttling(self) -> list[str]:
        """The last quarter of the rounds against the first."""
        rounds = self.measured.get("round_ns", ())
        quarter = len(rounds) // 4
        if quarter < 2:
            return []
        change = statistics.median(rounds[-quarter:]) / statistics.median(rounds[:quarter]) - 1
        return [f"slowed down by {change:.0%} during the run: throttled?"] if change > 0.10 else []

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in _FIELDS},
            "reference": list(self.reference),
            "measured": dict(self.measured),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Run:
        """The run of a file."""
        fields = {name: values[name] for name in _FIELDS}
        return cls(**fields, reference=tuple(values["reference"]), measured=values["measured"])


_FIELDS = ("date", "source", "device", "label", "emulated", "version")


def save(run: Run, folder: Path) -> Path:
    """Writes a run to a file of its own in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    words = f"{run.date}-{run.device}-{run.source}"
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in words.replace(":", ""))
    path = folder / f"{name}.json"
    path.write_text(json.dumps(run.to_dict(), indent=1) + "\n", encoding="utf-8")
    return path


def load_all(folder: Path) -> list[Run]:
    """The runs of a folder, oldest first; other JSON files are left alone."""
    runs = []
    for path in sorted(folder.glob("*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict) and values.get("format") == FORMAT:
            runs.append(Run.from_dict(values))
    return sorted(runs, key=lambda run: run.date)

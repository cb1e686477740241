"""The figures as JSON, as Markdown, and as a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mobilekernels.bench.machine import Machine
from mobilekernels.bench.network import NetworkResult
from mobilekernels.bench.tables import markdown
from mobilekernels.compare import OURS
from mobilekernels.comparison import EngineResult

FORMAT = "mobilekernels-e2e-2"

HOW = (
    "Wall clock of one call, the tensors in and out as PyTorch has them: what an engine does to quantize its "
    "input and to change its layout is inside. In each round every engine has a turn: one untimed call, then "
    "calls for 20 ms, whose mean is the round's figure; the tables have medians of rounds. Noise: distance "
    "of the quartiles of our own rounds, as a share of their median; differences under it are ties. SQNR is "
    "against float32. Two threads: our time on one thread over that on two, interleaved."
)


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes:
        notes: what else a reader must know.
    """

    machine: Machine
    threads: int
    rounds: int
    networks: tuple[NetworkResult, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has."""
        return {
            "format": FORMAT,
            "machine": asdict(self.machine),
            "threads": self.threads,
            "rounds": self.rounds,
            "notes": list(self.notes),
            "networks": [_network_dict(network) for network in self.networks],
        }

    def markdown(self) -> str:
        """The summary, and a table for each network."""
        pinned = {network.cpu for network in self.networks} - {None}
        where = f"pinned to CPU {', '.join(map(str, pinned))}" if pinned else "not pinned"
        lines = ["# Whole networks", "", *(f"- {line}" for line in self.machine.lines())]
        lines += [f"- {self.threads} thread(s), {where}, {self.rounds} rounds", ""]
        lines += ["\n\n".join([HOW, *self.notes]), ""]
        lines += [markdown(summary(self.networks))]
        for network in self.networks:
            lines += [f"## {network.network}", "", markdown(_engines(network))]
        return "\n".join(lines)

    def write(self, folder: Path, stem: str) -> list[Path]:
        """Write stem.json, stem.md and, where matplotlib is installed, stem.png; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{stem}.{kind}" for kind in ("json", "md", "png")]
        paths[0].write_text(json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        paths[1].write_text(self.markdown(), encoding="utf-8")
        try:
            from mobilekernels.bench.plots import ratio_bars
        except ImportError:
            return paths[:2]
        ratio_bars(self.networks, paths[2])
        return paths


def _network_dict(network: NetworkResult) -> dict[str, Any]:
    best = network.best_peer
    return {
        "network": network.network,
        "cpu": network.cpu,
        "stock_operators": network.stock_operators,
        "best_peer": best and best.name,
        "ours_over_best_peer": network.ratio,
        "noise": network.noise,
        "speedups": {str(threads): ratio for threads, ratio in network.speedups.items()},
        "comparison": network.comparison.to_dict(),
    }


def summary(networks: Sequence[NetworkResult]) -> list[list[str]]:
    """A row for each network, below a header."""
    rows = [["network", "ours ms", "best peer ms", "ours / best peer", "noise", "two threads", "best peer"]]
    for network in networks:
        best = network.best_peer
        noise = "-" if network.noise is None else f"{100 * network.noise:.1f} %"
        rows.append(
            [
                network.network,
                _ms(network.ours),
                _ms(best),
                "-" if network.ratio is None else f"{network.ratio:.2f}",
                noise,
                f"{network.speedups[2]:.2f} x" if 2 in network.speedups else "-",
                best.title if best else "-",
            ]
        )
    return rows


def _engines(network: NetworkResult) -> list[list[str]]:
    rows = [["engine", "ms", "quartiles", "times ours", "SQNR dB", "note"]]
    for result in network.comparison.results:
        low_high = "-" if result.quartiles_ms is None else "{:.2f} to {:.2f}".format(*result.quartiles_ms)
        note = result.note if result.absent is None else f"absent: {result.absent}"
        if result.name == OURS and network.stock_operators:
            note = f"{network.stock_operators} operators on stock ones"
        ratio, sqnr = (
            "-" if value is None else f"{value:.{digits}f}"
            for value, digits in ((result.ratio, 2), (result.sqnr_db, 1))
        )
        rows.append([result.title, _ms(result), low_high, ratio, sqnr, note])
    return rows


def _ms(result: EngineResult | None) -> str:
    return "-" if result is None or result.median_ms is None else f"{result.median_ms:.2f}"

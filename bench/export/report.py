"""The comparison as JSON and Markdown, each figure beside its goal."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.export.measure import CALLS, Result
from bench.export.runner import Call
from mobilekernels.bench.machine import Machine
from mobilekernels.bench.tables import markdown

FORMAT = "mobilekernels-export-1"
MIB = 1 << 20

HOW = (
    "One program, `mk_runner`, with our kernels and XNNPACK in it, runs both files of the same "
    "quantized network: one thread, batch 1. In each round a process of either side loads its file "
    f"and calls it {CALLS} times behind three untimed calls, in alternating order; figures are medians "
    "of rounds, ratios those of the rounds' own. Loading: from opening the file to a method that can "
    "be called (of ours with its checksum); in the first call ours also plans memory and checks "
    "weights. Peak memory: of the process, mapped files included; that of the file alone is without "
    "what the process had before it opened it. Planned: what ExecuTorch reserves for activations; our "
    "segments and XNNPACK's delegate take their own, which the peak has. Outside of our kernels: the "
    "share of a profiled call that none of our operators took."
)


@dataclass(frozen=True)
class Figure:
    """One line of a network's table.

    Attributes:
        goal: the largest ratio that is no miss; None where there is no goal.
    """

    title: str
    unit: str
    of: Callable[[Call], float]
    goal: Callable[[str], float] | None = None


def _latency_goal(network: str) -> float:
    return 0.9 if network.startswith("resnet") else 0.65


FIGURES = (
    Figure("latency", "ms", lambda call: call.latency, _latency_goal),
    Figure("file", "MiB", lambda call: call.file_bytes / MIB, lambda _: 1.05),
    Figure("load", "ms", lambda call: call.load, lambda _: 1.0),
    Figure("load and first call", "ms", lambda call: call.ready),
    Figure("peak memory", "MiB", lambda call: call.peak_bytes / MIB, lambda _: 1.0),
    Figure("peak memory of the file alone", "MiB", lambda call: call.own_bytes / MIB),
    Figure("planned", "MiB", lambda call: call.planned_bytes / MIB),
)
OUTSIDE_GOAL = 0.03


def table(results: Sequence[Result]) -> list[list[str]]:
    """A row a network and figure."""
    rows = [["network", "figure", "ours", "XNNPACK", "ours / XNNPACK", "goal", ""]]
    for result in results:
        rows += [_row(result, figure) for figure in FIGURES]
        share = statistics.median(result.outside)
        met = "met" if share < OUTSIDE_GOAL else "missed"
        rows.append(
            [_name(result), "outside of our kernels", f"{share:.1%}", "", "", f"{OUTSIDE_GOAL:.0%}", met]
        )
    return rows


def _row(result: Result, figure: Figure) -> list[str]:
    ours, xnnpack = result.median(figure.of)
    ratio = result.ratio(figure.of) if xnnpack else None
    goal = figure.goal(result.files.network) if figure.goal else None
    met = "" if goal is None or ratio is None else "met" if ratio <= goal else "missed"
    cells = [
        f"{ours:.2f} {figure.unit}",
        f"{xnnpack:.2f} {figure.unit}",
        "" if ratio is None else f"{ratio:.2f}",
    ]
    return [_name(result), figure.title, *cells, "" if goal is None else f"{goal:g}", met]


def _name(result: Result) -> str:
    return result.files.network


def notes(results: Sequence[Result]) -> list[str]:
    """For each network, whether both files compute it."""
    return [_note(result) for result in results]


def _note(result: Result) -> str:
    files = result.files
    same = "the bytes" if result.same_bytes else "OTHER BYTES than those"
    return (
        f"{files.network}: our file gives {same} of the converted model in PyTorch; XNNPACK's output has "
        f"{result.sqnr_db:.1f} dB SQNR against it. Left to ExecuTorch: {files.not_ours} operators of ours, "
        f"{files.not_xnnpack} of XNNPACK's. Our activations in all: {files.activation_bytes / MIB:.2f} MiB."
    )


def text(results: Sequence[Result], machine: Machine) -> str:
    """The page."""
    rounds = len(results[0].ours)
    lines = ["# Files in ExecuTorch, ours against XNNPACK's", "", *(f"- {line}" for line in machine.lines())]
    lines += [f"- {rounds} rounds", "", HOW, "", markdown(table(results))]
    return "\n".join([*lines, *(f"- {note}" for note in notes(results)), ""])


def write(results: Sequence[Result], machine: Machine, page: str, folder: Path) -> list[Path]:
    """export.md, which is the page, and export.json."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "export.md", folder / "export.json"]
    paths[0].write_text(page, encoding="utf-8")
    content = {
        "format": FORMAT,
        "machine": asdict(machine),
        "networks": [asdict(result) for result in results],
    }
    paths[1].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return paths

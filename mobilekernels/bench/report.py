"""Runs of several devices and days side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mobilekernels import html
from mobilekernels.bench.run import LayerResult, Run

RUNS_HEADER = ("run", "device", "kernels", "settings", "total ms", "GMAC/s", "same bytes", "note")


@dataclass(frozen=True)
class Table:
    """A table as text: to print, or for a page."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...]


def tables(runs: Sequence[Run]) -> list[Table]:
    """For each layer list: the runs, and the layers with a column for each run."""
    found = []
    for (source, _), group in _by_list(runs).items():
        found.append(_runs_table(source, group))
        found.append(_layers_table(source, group))
    return found


def page(runs: Sequence[Run]) -> str:
    """A self-contained HTML page of all tables."""
    sections = [
        html.heading(table.title) + html.table(table.header, table.rows, numeric=table.numeric)
        for table in tables(runs)
    ]
    return html.page("Layers on devices", *sections, html.paragraph(EXPLANATION, "note"))


EXPLANATION = (
    "Times are medians of rounds over the whole list; the total is the sum of the layers' medians, without "
    "what lies between the operators of a network. Same bytes: the layer's output, from the same input and "
    "weights, is equal to the one on the machine that asked. On an emulated core bytes are checked and no "
    "time is reported."
)


def _by_list(runs: Sequence[Run]) -> dict[tuple[str, tuple[str, ...]], list[Run]]:
    """Runs belong side by side where they ran the same layers: one name, the same bytes to expect."""
    groups: dict[tuple[str, tuple[str, ...]], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.source, run.reference), []).append(run)
    return groups


def _runs_table(source: str, runs: Sequence[Run]) -> Table:
    rows = [(f"#{number}", *_run_cells(run)) for number, run in enumerate(runs, 1)]
    return Table(f"{source}: runs", RUNS_HEADER, tuple(rows), numeric=(4, 5, 6))


def _run_cells(run: Run) -> tuple[str, ...]:
    macs, ms = sum(layer.macs for layer in run.layers), run.total_ms
    same = sum(layer.same_bytes for layer in run.layers)
    return (
        f"{run.device} ({run.processor}) {run.date[:10]}",
        run.kernels,
        run.settings,
        "-" if ms is None else f"{ms:.3f}",
        "-" if not ms else f"{macs / ms / 1e6:.1f}",
        f"{same} of {len(run.layers)}",
        "; ".join(run.notes()),
    )


def _layers_table(source: str, runs: Sequence[Run]) -> Table:
    header = ("layer", "op", "MMAC", *(f"#{number} {run.device}" for number, run in enumerate(runs, 1)))
    columns = [run.layers for run in runs]
    rows = tuple(
        (layer.name, layer.op, f"{layer.macs / 1e6:.2f}" if layer.macs else "", *map(_layer_cell, row))
        for layer, row in zip(columns[0], zip(*columns, strict=True), strict=True)
    )
    title = f"{source}: layers, median µs (GMAC/s)"
    return Table(title, header, rows, numeric=tuple(range(2, len(header))))


def _layer_cell(layer: LayerResult) -> str:
    if not layer.same_bytes:
        return "OTHER BYTES"
    if layer.median_ns is None:
        return "same bytes"
    rate = "" if layer.gmacs is None else f" ({layer.gmacs:.1f})"
    return f"{layer.median_ns / 1e3:.1f}{rate}"

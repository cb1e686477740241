"""Plots as files: bars of every engine's time over ours, rooflines. Importing this needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from mobilekernels.bench.network import NetworkResult
from mobilekernels.bench.roofs import Roofs
from mobilekernels.compare import OURS

_OURS_COLOUR = "#0b6e4f"


@dataclass(frozen=True)
class Bars:
    """One engine's bars: a value for each group, None where it did not run."""

    title: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Dots:
    """One engine's layers: (multiply-accumulates a byte, GMAC/s)."""

    title: str
    points: Sequence[tuple[float, float]]
    strong: bool = False


def ratio_bars(networks: Sequence[NetworkResult], path: Path) -> None:
    """A PNG: a group of bars for each network, one for each peer that was timed; ours is the line at 1."""
    titles = {r.name: r.title for n in networks for r in n.comparison.results if r.name != OURS}
    peers = [Bars(t, [n.comparison.result(name).ratio for n in networks]) for name, t in titles.items()]
    bars([network.network for network in networks], [peer for peer in peers if any(peer.values)], path)


def bars(groups: Sequence[str], engines: Sequence[Bars], path: Path) -> None:
    """A PNG of times over ours: a group of bars for each of ``groups``."""
    height = 0.8 / max(len(engines), 1)
    figure = Figure(figsize=(8, 1.5 + 0.16 * len(groups) * (len(engines) + 1)), layout="constrained")
    axes = figure.add_subplot()
    for place, (engine, colour) in enumerate(zip(engines, _colours(len(engines)), strict=True)):
        rows = [index + (place + 0.5) * height - 0.4 for index in range(len(groups))]
        widths = [(v or 1.0) - 1.0 for v in engine.values]
        drawn = axes.barh(rows, widths, height * 0.9, left=1.0, label=engine.title, color=colour)
        axes.bar_label(drawn, labels=[f"{v:.2f}" if v else "" for v in engine.values], padding=2, fontsize=6)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")  # engines differ by a factor of 20
    _plain_ticks(axes.xaxis)
    axes.set_xlabel("time over ours: right of the line, ours is faster")
    axes.set_yticks(range(len(groups)), list(groups))
    axes.invert_yaxis()
    axes.margins(y=0.01)
    figure.legend(fontsize=7, loc="outside lower center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def roofline(engines: Sequence[Dots], roofs: Roofs, path: Path) -> None:
    """A PNG: layers by multiply-accumulates a byte and GMAC/s, below what registers and memory allow."""
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for engine, colour in zip(engines, _colours(len(engines)), strict=True):
        x, y = [point[0] for point in engine.points], [point[1] for point in engine.points]
        if engine.strong:
            axes.scatter(x, y, 42, _OURS_COLOUR, label=engine.title, zorder=3, edgecolors="black")
        else:
            axes.scatter(x, y, 16, [colour], label=engine.title, alpha=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    if roofs.gmacs and roofs.memory_gbytes:
        intensities = [point[0] for engine in engines for point in engine.points] or [1.0]
        ridge = roofs.gmacs / roofs.memory_gbytes
        low, high = min([ridge, *intensities]) * 0.8, max([ridge, *intensities]) * 1.25
        axes.plot(
            [low, ridge, high],
            [low * roofs.memory_gbytes, roofs.gmacs, roofs.gmacs],
            color="black",
            linewidth=1,
            label=f"roofs: {roofs.gmacs:.0f} GMAC/s, {roofs.memory_gbytes:.0f} GB/s from memory",
        )
    for axis in (axes.xaxis, axes.yaxis):
        _plain_ticks(axis)
    axes.set_xlabel("multiply-accumulates a byte of input, weights and result")
    axes.set_ylabel("GMAC/s")
    axes.grid(color="#dde4ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize=7, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


def _plain_ticks(axis: Any) -> None:
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _colours(count: int) -> list[tuple[float, ...]]:
    return [matplotlib.colormaps["tab10"](index % 10) for index in range(count)]

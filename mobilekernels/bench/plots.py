"""Plots as files: bars of every engine's time over ours, rooflines. Importing this needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from mobilekernels.bench.network import NetworkResult
from mobilekernels.compare import OURS


def ratio_bars(networks: Sequence[NetworkResult], path: Path) -> None:
    """A PNG: a group of bars for each network, one for each peer that was timed; ours is the line at 1."""
    titles = {r.name: r.title for n in networks for r in n.comparison.results if r.name != OURS}
    height = 0.8 / max(len(titles), 1)
    figure = Figure(figsize=(8, 1.5 + 0.22 * len(networks) * (len(titles) + 1)), layout="constrained")
    axes = figure.add_subplot()
    for place, (name, title) in enumerate(titles.items()):
        ratios = [network.comparison.result(name).ratio or 0.0 for network in networks]
        rows = [index + (place + 0.5) * height - 0.4 for index in range(len(networks))]
        bars = axes.barh(rows, ratios, height * 0.9, label=title)
        axes.bar_label(
            bars, labels=[f"{ratio:.2f}" if ratio else "" for ratio in ratios], padding=2, fontsize=7
        )
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")  # engines differ by a factor of 20
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time over ours: right of the line, ours is faster")
    axes.set_yticks(range(len(networks)), [network.network for network in networks])
    axes.invert_yaxis()
    figure.legend(fontsize=7, loc="outside lower center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)

"""The figures of `pytest bench/micro` as Markdown and as a roofline."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.micro.engines import ENGINES
from mobilekernels.bench.roofs import Roofs
from mobilekernels.bench.tables import markdown

OURS = "mobilekernels"
CALL_CASE = "call"

HOW = (
    "One layer from Python, int8 codes in and out in the engine's own layout; medians of rounds, engines "
    "interleaved. Activations are warm, weights cold: before each timed call a buffer twice as large as the "
    "second-level cache is read, and another instance of the layer, with weights of its own, runs once. "
    "The row `call` is a layer of 1024 multiply-accumulates: what a call of the engine costs. Ratio: our "
    "time over the best peer's, below 1 ours is faster. Noise: distance of the quartiles of our rounds, as a "
    "share of their median. kB: input, weights and result once, in int8."
)


@dataclass(frozen=True)
class LayerFigures:
    """One layer: engine name -> seconds of a call (median), and of ours the quartiles."""

    name: str
    macs: int
    bytes: int
    seconds: dict[str, float]
    close: dict[str, float | None]
    noise: float | None

    @property
    def best_peer(self) -> str | None:
        """The fastest of the others."""
        peers = [name for name in self.seconds if name != OURS]
        return min(peers, key=lambda name: self.seconds[name], default=None)

    @property
    def ratio(self) -> float | None:
        """Our time over the best peer's."""
        best = self.best_peer
        return None if best is None or OURS not in self.seconds else self.seconds[OURS] / self.seconds[best]

    def gmacs(self, engine: str) -> float | None:
        """10^9 multiply-accumulates a second."""
        return self.macs / self.seconds[engine] / 1e9 if engine in self.seconds else None


def read(result: Mapping[str, Any]) -> list[LayerFigures]:
    """Figures from pytest-benchmark's JSON."""
    layers: dict[str, list[Mapping[str, Any]]] = {}
    for each in result["benchmarks"]:
        layers.setdefault(each["extra_info"]["layer"], []).append(each)
    return [_figures(name, runs) for name, runs in layers.items()]


def _figures(name: str, runs: Sequence[Mapping[str, Any]]) -> LayerFigures:
    stats = {run["extra_info"]["engine"]: run["stats"] for run in runs}
    info = runs[0]["extra_info"]
    ours = stats.get(OURS)
    return LayerFigures(
        name,
        info["macs"],
        info["bytes"],
        {engine: found["median"] for engine, found in stats.items()},
        {run["extra_info"]["engine"]: run["extra_info"]["close"] for run in runs},
        None if ours is None else (ours["q3"] - ours["q1"]) / ours["median"],
    )


def table(layers: Sequence[LayerFigures], roofs: Roofs) -> list[list[str]]:
    """A row a layer: ours in GMAC/s and in shares of the peak, every engine in microseconds."""
    engines = [engine for engine in ENGINES if any(engine.name in layer.seconds for layer in layers)]
    times = [f"{engine.title}, us" for engine in engines]
    rows = [["layer", "MMAC", "kB", "GMAC/s", "% of peak", "ratio", "noise", *times]]
    for layer in layers:
        rate = layer.gmacs(OURS)
        share = None if rate is None or not roofs.gmacs else 100 * rate / roofs.gmacs
        rows.append(
            [
                layer.name,
                f"{layer.macs / 1e6:.2f}",
                f"{layer.bytes / 1e3:.0f}",
                _text(rate, ".0f"),
                _text(share, ".0f"),
                _text(layer.ratio, ".2f"),
                _text(layer.noise, ".0%"),
                *(_text(layer.seconds.get(e.name), ".1f", 1e6) for e in engines),
            ]
        )
    return rows


def mean_ratio(layers: Sequence[LayerFigures]) -> float | None:
    """Geometric mean of the ratios of the layers proper."""
    ratios = [layer.ratio for layer in layers if layer.ratio is not None and layer.name != CALL_CASE]
    return statistics.geometric_mean(ratios) if ratios else None


def median_noise(layers: Sequence[LayerFigures]) -> float | None:
    """Of all layers."""
    return statistics.median([layer.noise for layer in layers if layer.noise is not None] or [0.0])


def wrong(layers: Sequence[LayerFigures]) -> list[str]:
    """What a reader must know of results that are not right: engine, layer, share of close codes."""
    return [
        f"{engine} on {layer.name}: {close:.0%} of the codes are within one of the exact ones"
        for layer in layers
        for engine, close in layer.close.items()
        if close is not None and close < 0.99
    ]


def text(layers: Sequence[LayerFigures], roofs: Roofs, lines: Sequence[str]) -> str:
    """The page; ``lines`` say where and with what it ran."""
    includes = [f"- {engine.title}: {engine.includes}" for engine in ENGINES]
    faults = wrong(layers)
    parts = ["# Layers", "", *(f"- {line}" for line in (*lines, roofs.text())), "", HOW, ""]
    parts += [markdown(table(layers, roofs)), "A call includes, beside the layer:", "", *includes, ""]
    if faults:
        parts += ["Engines that do not compute the layer (their times are of other arithmetic):", ""]
        parts += [f"- {fault}" for fault in faults] + [""]
    return "\n".join(parts)


def write(result: Mapping[str, Any], roofs: Roofs, lines: Sequence[str], folder: Path) -> list[Path]:
    """micro.md and, where matplotlib is installed, the plots; micro.json is pytest-benchmark's."""
    layers = read(result)
    paths = [folder / "micro.md"]
    paths[0].write_text(text(layers, roofs, lines), encoding="utf-8")
    try:
        from mobilekernels.bench.plots import Bars, Dots, bars, roofline
    except ImportError:
        return paths
    titles = {engine.name: engine.title for engine in ENGINES}
    proper = [layer for layer in layers if layer.name != CALL_CASE]
    names = [layer.name for layer in proper]
    peers = [name for name in titles if name != OURS and any(name in layer.seconds for layer in proper)]
    ratios = [
        Bars(titles[name], [_over(layer.seconds.get(name), layer.seconds.get(OURS)) for layer in proper])
        for name in peers
    ]
    dots = [
        Dots(
            titles[name],
            [
                (layer.macs / layer.bytes, layer.gmacs(name) or 0.0)
                for layer in proper
                if name in layer.seconds
            ],
            strong=name == OURS,
        )
        for name in titles
        if any(name in layer.seconds for layer in proper)
    ]
    paths += [folder / "micro.png", folder / "roofline.png"]
    bars(names, ratios, paths[1])
    roofline(dots, roofs, paths[2])
    return paths


def _over(time: float | None, ours: float | None) -> float | None:
    return None if time is None or not ours else time / ours


def _text(value: float | None, form: str, factor: float = 1.0) -> str:
    return "-" if value is None else f"{value * factor:{form}}"

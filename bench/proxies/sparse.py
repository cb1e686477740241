"""Speed-ups of block-sparse layers by whatever stands in for time, and the goals for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mobilekernels.bench.layers import Layer, parse

LAYERS = Path(__file__).parents[1] / "layers" / "block_sparse.txt"
# The share of zeros, in percent, at which gates hold layers against their recorded costs.
GATED = "80"
SHARES = ("50", "70", "80", "90")
# Speed-ups over dense that x86 is to reach, by block, at SHARES.
GOALS = {"4x4": (1.7, 2.8, 4.0, 7.0), "1x4": (1.4, 2.2, 3.3, 5.5)}

# By dense layer, block and share of zeros.
Speedups = dict[str, dict[tuple[str, str], float]]


def layers(zeros: str | None = None) -> list[Layer]:
    """The list, or what of it is dense or has that share of zeros."""
    listed = parse(LAYERS.read_text())
    return [layer for layer in listed if zeros in (None, layer.values.get("zeros", zeros))]


def rows_of_one(listed: Sequence[Layer]) -> set[str]:
    """The names of linear layers of one row, for which there are no goals."""
    return {layer.name for layer in listed if layer.values.get("rows") == "1"}


def speedups(listed: Sequence[Layer], costs: Mapping[str, float]) -> Speedups:
    """The dense layer's cost for one of the sparse layer's. `costs`: by the layer's name."""
    dense: dict[str, str] = {}
    found: Speedups = {}
    for layer in listed:
        values = {key: value for key, value in layer.values.items() if key not in ("block", "zeros")}
        shape = str(Layer("", layer.op, values))
        if "block" not in layer.values:
            dense[shape] = layer.name
            found[layer.name] = {}
            continue
        name = dense[shape]
        key = layer.values["block"], layer.values["zeros"]
        found[name][key] = costs[name] / costs[layer.name]
    return found


def table(found: Speedups) -> list[list[str]]:
    """A line a layer; a column a block and share."""
    columns = [(block, share) for block in GOALS for share in SHARES]
    rows = [["layer", *(f"{block} {share} %" for block, share in columns)]]
    for name, by_column in found.items():
        rows.append([name, *(f"{by_column[key]:.2f}" if key in by_column else "" for key in columns)])
    return rows


def goal_lines(found: Speedups, without: set[str], slack: float = 0.0) -> list[str]:
    """Each goal less `slack`: the least of all layers but those `without`, and which miss it."""
    lines = []
    for block, times in GOALS.items():
        for share, goal in zip(SHARES, times, strict=True):
            least = goal * (1 - slack)
            own = {
                name: by[block, share]
                for name, by in found.items()
                if name not in without and (block, share) in by
            }
            if not own:
                continue
            missed = [f"{name} {value:.2f}" for name, value in own.items() if value < least]
            verdict = f"MISSED by {', '.join(missed)}" if missed else "met"
            wanted = f"{goal:g} less {100 * slack:.0f} % is {least:.2f}" if slack else f"{goal:g}"
            lines.append(
                f"goal: {block} at {share} %: {wanted}: "
                f"{min(own.values()):.2f} to {max(own.values()):.2f}, {verdict}"
            )
    return lines

"""Dense instructions by those of block-sparse layers: `python -m bench.arm.sparse`.

A proxy, as in `count`: it does not know that sparse weights are fewer bytes to fetch, nor that loads from
anywhere in a panel may miss a cache.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.arm import ours
from bench.arm.plugin import ROOT, CountError
from bench.arm.result import Result
from mobilekernels.bench import tables
from mobilekernels.bench.layers import Layer, parse

LAYERS = ROOT / "bench" / "layers" / "block_sparse.txt"
CPUS = ("cortex-a53", "neoverse-n1")
# The share of zeros, in percent, at which `count` holds layers against their recorded counts.
GATED = "80"
SHARES = ("50", "70", "80", "90")
# Speed-ups over dense that x86 is to reach, by block, at SHARES; counted ones are to be within SLACK of them.
GOALS = {"4x4": (1.7, 2.8, 4.0, 7.0), "1x4": (1.4, 2.2, 3.3, 5.5)}
GOAL_CPU = "neoverse-n1"
SLACK = 0.15


def layers(zeros: str | None = None) -> list[Layer]:
    """The list, or what of it is dense or has that share of zeros."""
    listed = parse(LAYERS.read_text())
    return [layer for layer in listed if zeros in (None, layer.values.get("zeros", zeros))]


def count(listed: Sequence[Layer], cpu: str) -> list[Result]:
    """As `ours.count`, of layers that are in no file.

    Raises:
        CountError: the runner is missing or fails.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{layer}\n" for layer in listed))
        file.flush()
        return ours.count(Path(file.name), cpu)


def speedups(listed: Sequence[Layer], results: Sequence[Result]) -> dict[str, dict[tuple[str, str], float]]:
    """By dense layer, block and share of zeros: its instructions per one of the sparse layer's."""
    counted = {result.layer: result.instructions for result in results}
    dense: dict[str, str] = {}
    found: dict[str, dict[tuple[str, str], float]] = {}
    for layer in listed:
        values = {key: value for key, value in layer.values.items() if key not in ("block", "zeros")}
        shape = str(Layer("", layer.op, values))
        if "block" not in layer.values:
            dense[shape] = layer.name
            found[layer.name] = {}
            continue
        name = dense[shape]
        key = layer.values["block"], layer.values["zeros"]
        found[name][key] = counted[name] / counted[layer.name]
    return found


def table(found: dict[str, dict[tuple[str, str], float]]) -> list[list[str]]:
    """A line a layer; a column a block and share."""
    columns = [(block, share) for block in GOALS for share in SHARES]
    rows = [["layer", *(f"{block} {share} %" for block, share in columns)]]
    for name, by_column in found.items():
        rows.append([name, *(f"{by_column[key]:.2f}" if key in by_column else "" for key in columns)])
    return rows


def goal_lines(found: dict[str, dict[tuple[str, str], float]], rows_of_one: set[str]) -> list[str]:
    """Each goal: the least of all layers but those of one row, and which miss it."""
    lines = []
    for block, times in GOALS.items():
        for share, goal in zip(SHARES, times, strict=True):
            least = goal * (1 - SLACK)
            own = {name: by[block, share] for name, by in found.items() if name not in rows_of_one}
            missed = [f"{name} {value:.2f}" for name, value in own.items() if value < least]
            verdict = f"MISSED by {', '.join(missed)}" if missed else "met"
            lines.append(
                f"goal: {block} at {share} %: {goal:g} less 15 % is {least:.2f}: "
                f"{min(own.values()):.2f} to {max(own.values()):.2f}, {verdict}"
            )
    return lines


def report(listed: Sequence[Layer], by_cpu: dict[str, list[Result]], markdown: bool) -> str:
    """The tables and the goals, as text or Markdown."""
    rows_of_one = {layer.name for layer in listed if layer.values.get("rows") == "1"}
    lines = [
        "Proxy: dense by sparse executed instructions, counted under emulation. It is no measure of time.\n"
    ]
    for cpu, results in by_cpu.items():
        found = speedups(listed, results)
        isas = ", ".join(dict.fromkeys(result.kernel for result in results))
        lines += [f"{'### ' if markdown else ''}{cpu} ({isas})\n", tables.draw(table(found), markdown)]
        if cpu == GOAL_CPU:
            lines += [("- " if markdown else "") + line for line in goal_lines(found, rows_of_one)]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cpu", action="append", help=f"emulated CPUs (default: {', '.join(CPUS)})")
    parser.add_argument(
        "--markdown", type=Path, help="write the tables to a file, or between its marks for `sparse`"
    )
    options = parser.parse_args(arguments)
    listed = layers()
    try:
        by_cpu = {cpu: count(listed, cpu) for cpu in options.cpu or CPUS}
    except CountError as error:
        print(f"sparse: {error}", file=sys.stderr)
        return 2
    print(report(listed, by_cpu, markdown=False))
    if options.markdown:
        tables.write(options.markdown, "sparse", report(listed, by_cpu, markdown=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

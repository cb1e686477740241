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
from bench.arm.plugin import CountError
from bench.arm.result import Result
from bench.proxies.sparse import goal_lines, layers, rows_of_one, speedups, table
from mobilekernels.bench import tables
from mobilekernels.bench.layers import Layer

CPUS = ("cortex-a53", "neoverse-n1")
# Counted speed-ups are to be within SLACK of the goals on one core.
GOAL_CPU = "neoverse-n1"
SLACK = 0.15


def count(listed: Sequence[Layer], cpu: str) -> list[Result]:
    """As `ours.count`, of layers that are in no file.

    Raises:
        CountError: the runner is missing or fails.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{layer}\n" for layer in listed))
        file.flush()
        return ours.count(Path(file.name), cpu)


def report(listed: Sequence[Layer], by_cpu: dict[str, list[Result]], markdown: bool) -> str:
    """The tables and the goals, as text or Markdown."""
    lines = [
        "Proxy: dense by sparse executed instructions, counted under emulation. It is no measure of time.\n"
    ]
    for cpu, results in by_cpu.items():
        found = speedups(listed, {result.layer: result.instructions for result in results})
        isas = ", ".join(dict.fromkeys(result.kernel for result in results))
        lines += [f"{'### ' if markdown else ''}{cpu} ({isas})\n", tables.draw(table(found), markdown)]
        if cpu == GOAL_CPU:
            lines += [
                ("- " if markdown else "") + line for line in goal_lines(found, rows_of_one(listed), SLACK)
            ]
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

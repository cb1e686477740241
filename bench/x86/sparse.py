"""Dense cycles by those of block-sparse layers, by the model: `python -m bench.x86.sparse`.

A proxy, as `bench.x86.cycles` says: it does not know that sparse weights are fewer bytes to fetch, nor that
loads from anywhere in a panel may miss the first-level cache.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.arm.plugin import CountError
from bench.proxies.sparse import GOALS, SHARES, Speedups, goal_lines, layers, rows_of_one, table
from bench.x86 import steps
from bench.x86.cores import CORES
from bench.x86.cycles import Program
from bench.x86.shares import cost_at, variants
from mobilekernels.bench import tables

ISA = "avx512vnni"


def speedups(dense: Sequence[str], costs: Mapping[str, float]) -> Speedups:
    """At all shares that there are goals for. `costs`: of the layers' variants, by name."""
    return {
        name: {
            (block, zeros): costs[name] / cost_at(costs, name, block, 1 - int(zeros) / 100)
            for block in GOALS
            for zeros in SHARES
        }
        for name in dense
    }


def report(found: Speedups, core: str, markdown: bool) -> str:
    """The table and the goals, as text or Markdown."""
    goals = goal_lines(found, set())
    lines = [
        f"Proxy: dense by sparse cycles on {core}, executed paths by llvm-mca's model. No measure of time.\n",
        tables.draw(table(found), markdown),
        *(("- " if markdown else "") + line for line in goals),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", choices=tuple(CORES), default=ISA, help=f"kernels (default: {ISA})")
    parser.add_argument("--layer", default="", help="only layers whose names begin with this")
    parser.add_argument("--functions", action="store_true", help="where each layer's cycles are")
    parser.add_argument(
        "--markdown", type=Path, help="write the table to a file, or between its marks for `sparse-x86`"
    )
    options = parser.parse_args(arguments)
    listed = layers()
    # Of one row there is no goal, and weights that come from memory are what counts.
    without = rows_of_one(listed)
    dense = [
        each
        for each in listed
        if "block" not in each.values and each.name not in without and each.name.startswith(options.layer)
    ]
    core = CORES[options.isa][0]
    try:
        program = Program()
        counted = steps.count([variant for each in dense for variant in variants(each)], options.isa)
        costs = {each.layer.name: program.by_function(each, core) for each in counted}
    except (CountError, FileNotFoundError, RuntimeError) as error:
        print(f"sparse: {error}", file=sys.stderr)
        return 2
    if options.functions:
        for name, by_function in costs.items():
            print(f"{name}: {sum(by_function.values()):.0f} cycles")
            for function, cycles in sorted(by_function.items(), key=lambda item: -item[1])[:6]:
                print(f"  {cycles:10.0f}  {function[:90]}")
    cycles = {name: sum(each.values()) for name, each in costs.items()}
    found = speedups([each.name for each in dense], cycles)
    print(report(found, core.name, markdown=False))
    if options.markdown:
        tables.write(options.markdown, "sparse-x86", report(found, core.name, markdown=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Instructions per multiply-add, ours and stock engines', counted on emulated CPUs: `make count-arm`.

A proxy, not a measurement of speed: it knows no caches and no latencies, and takes all instructions as equal.
It is exact, and the same at every run. The gate also holds block-sparse layers at 80 % zeros;
`bench.arm.sparse` has their table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.arm import gate, ours, sparse, stock
from bench.arm.plugin import ROOT, CountError
from bench.arm.result import Result, geometric_mean
from bench.proxies.sparse import GATED, layers
from mobilekernels.bench import tables
from mobilekernels.bench.layers import parse

LAYERS = ROOT / "bench" / "layers" / "yardstick.txt"
# With SME on, this emulator computes XNNPACK's kernels wrongly.
CPUS = ("cortex-a53", "neoverse-n1", "max,sme=off")
# Caps on dispatch that change something there.
CAPS: dict[str, tuple[str, ...]] = {
    "cortex-a53": (),
    "neoverse-n1": ("neon",),
    "max,sme=off": ("neon_dotprod", "neon"),
}


@dataclass(frozen=True)
class Goal:
    """At least `times` fewer instructions than an engine's, in the geometric mean of the layers."""

    cpu: str
    engine: str
    times: float


GOALS = (
    Goal("cortex-a53", "QNNPACK int8", 1.3),
    Goal("neoverse-n1", "QNNPACK int8", 3.0),
    Goal("neoverse-n1", "XNNPACK float", 3.5),
    Goal("max,sme=off", "XNNPACK float", 6.0),
)


def _of(results: Sequence[Result], cpu: str, engine: str) -> dict[str, Result]:
    return {r.layer: r for r in results if r.cpu == cpu and r.engine == engine}


def ratios(results: Sequence[Result], cpu: str, engine: str) -> dict[str, float]:
    """By layer: an engine's instructions per one of ours."""
    mine = _of(results, cpu, "ours")
    return {name: r.per_mac / mine[name].per_mac for name, r in _of(results, cpu, engine).items()}


def parts_table(results: Sequence[Result]) -> list[list[str]]:
    """Ours on one CPU: instructions per MAC, and how they divide."""
    names = ("GEMM", "depthwise", "packing of rows", "rest")
    rows = [["layer", "kernel", "million MAC", "instructions", "instr./MAC", *names]]
    for r in results:
        shares = [f"{100 * r.parts.get(name, 0) / r.instructions:.0f}%" for name in names]
        rows.append(
            [r.layer, r.kernel, f"{r.macs / 1e6:.2f}", str(r.instructions), f"{r.per_mac:.4f}", *shares]
        )
    return rows


def caps_table(by_cap: dict[str, dict[str, Result]]) -> list[list[str]]:
    """Ours on one CPU, with dispatch capped to each ISA: instructions per MAC."""
    layers = dict.fromkeys(name for results in by_cap.values() for name in results)
    rows = [["layer", *by_cap]]
    rows += [[name, *(f"{results[name].per_mac:.4f}" for results in by_cap.values())] for name in layers]
    return rows


def engines_table(results: Sequence[Result], cpu: str) -> list[list[str]]:
    """Instructions per MAC of every engine on one CPU, and how often ours goes into theirs."""
    mine = _of(results, cpu, "ours")
    theirs = {engine: (_of(results, cpu, engine), ratios(results, cpu, engine)) for engine in stock.ENGINES}
    rows = [["layer", "ours", *(cell for engine in stock.ENGINES for cell in (engine, "/ ours"))]]
    for name, own in mine.items():
        cells = [
            cell
            for counted, ratio in theirs.values()
            for cell in (f"{counted[name].per_mac:.4f}", f"{ratio[name]:.2f}")
        ]
        rows.append([name, f"{own.per_mac:.4f}", *cells])
    means = [("", f"{geometric_mean(ratio.values()):.2f}") for _, ratio in theirs.values()]
    rows.append(["geometric mean", "", *(cell for pair in means for cell in pair)])
    return rows


def goal_line(results: Sequence[Result], goal: Goal) -> str:
    """Whether a goal is reached, by the mean of all layers; and what the mean hides."""
    found = ratios(results, goal.cpu, goal.engine)
    mine = _of(results, goal.cpu, "ours")
    mean = geometric_mean(found.values())
    dense = geometric_mean(ratio for name, ratio in found.items() if "depthwise" not in mine[name].parts)
    good = sum(ratio >= goal.times for ratio in found.values())
    return (
        f"goal: {goal.times:g} times fewer than {goal.engine} on {goal.cpu}: {mean:.2f} in the geometric "
        f"mean, {'met' if mean >= goal.times else 'MISSED'} (without depthwise layers {dense:.2f}; median "
        f"{median(found.values()):.2f}; {good} of {len(found)} layers reach it)"
    )


def _stock(results: Sequence[Result], cpu: str, markdown: bool) -> list[str]:
    """Side by side on one CPU, and what was run and left out for it."""
    counted = [r for r in results if r.cpu == cpu and r.engine != "ours"]
    lines = [tables.draw(engines_table(results, cpu), markdown)]
    for engine in stock.ENGINES:
        kernels = dict.fromkeys(r.kernel for r in counted if r.engine == engine)
        lines.append(f"{engine} ran {', '.join(kernels)}.\n")
    left, calls = ([getattr(r, name) for r in counted] for name in ("left_out", "call"))
    lines.append(
        f"Left out of a stock call: {min(left)} to {max(left)} instructions of Python and the C library, "
        f"and {min(calls)} to {max(calls)} that any call costs.\n"
    )
    return lines


def report(results: Sequence[Result], caps: dict[str, dict[str, dict[str, Result]]], markdown: bool) -> str:
    """Everything counted, as text or Markdown."""
    head = "### " if markdown else ""
    lines = ["Proxy: executed instructions, counted exactly under emulation. It is no measure of time.\n"]
    for cpu, by_cap in caps.items():
        with_stock = any(r.cpu == cpu and r.engine != "ours" for r in results)
        # The page shows the comparison; what is for whoever works on the kernels goes to the terminal.
        if not (markdown and with_stock):
            mine = list(_of(results, cpu, "ours").values())
            lines += [f"{head}{cpu}: our operators\n", tables.draw(parts_table(mine), markdown)]
            lines.append(f"{head}{cpu}: instructions per MAC with dispatch capped\n")
            lines.append(tables.draw(caps_table(by_cap), markdown))
        if with_stock:
            lines += [f"{head}{cpu}: instructions per MAC, side by side\n", *_stock(results, cpu, markdown)]
    for goal in GOALS:
        if _of(results, goal.cpu, goal.engine):
            lines.append(("- " if markdown else "") + goal_line(results, goal))
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=Path, default=LAYERS, help="a layer list (default: the yardstick)")
    parser.add_argument("--cpu", choices=CPUS, action="append", help="only these (default: all)")
    parser.add_argument("--ours-only", action="store_true", help="no stock engines: seconds, not minutes")
    parser.add_argument("--update", action="store_true", help="record our counts as the expected ones")
    parser.add_argument("--json", type=Path, help="write all counts to a file")
    parser.add_argument(
        "--markdown", type=Path, help="write the tables to a file, or between its marks for `counts`"
    )
    options = parser.parse_args(arguments)
    cpus = tuple(options.cpu or CPUS)
    is_yardstick = options.layers.resolve() == LAYERS
    if options.update and not (is_yardstick and cpus == CPUS):
        parser.error("--update: records the yardstick on all CPUs: give neither --layers nor --cpu")
    try:
        results: list[Result] = []
        zeros: list[Result] = []
        caps: dict[str, dict[str, dict[str, Result]]] = {}
        for cpu in cpus:
            mine = ours.count(options.layers, cpu)
            results += mine
            if is_yardstick:
                zeros += sparse.count(layers(GATED), cpu)
            caps[cpu] = {"uncapped": {r.layer: r for r in mine}}
            for cap in CAPS[cpu]:
                caps[cpu][cap] = {r.layer: r for r in ours.count(options.layers, cpu, cap)}
            if not options.ours_only:
                results += stock.count(
                    parse(options.layers.read_text()), {r.layer: r.macs for r in mine}, cpu
                )
        print(report(results, caps, markdown=False))
        if options.json:
            options.json.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
        if options.markdown:
            tables.write(options.markdown, "counts", report(results, caps, markdown=True))
        if not is_yardstick:
            return 0
        mine = [r for r in results if r.engine == "ours"] + zeros
        if options.update:
            gate.write(mine, gate.compiler())
            print(f"recorded in {gate.FILE.relative_to(ROOT)}")
            return 0
        lines, passed = gate.check(mine, gate.read(), gate.compiler())
        print("\n".join(lines))
        return 0 if passed else 1
    except CountError as error:
        print(f"count: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""What LLVM's models of cores say about our inner loops, as compiled.

A proxy, not a measurement: the model knows the pipes and latencies of a core, takes every load for a hit in
the L1 cache and every branch for predicted, and sees the loop alone: no prologue, no epilogue, no packing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from bench.proxies import disassembly
from bench.proxies.disassembly import Instruction, Loop
from mobilekernels.bench import tables

MCA = "llvm-mca-22"
ROOT = Path(__file__).parents[2]
ITERATIONS = 1000


@dataclass(frozen=True)
class Core:
    """A core by LLVM's name of it.

    Attributes:
        has: the instructions that it really has, of those that kernels are chosen by.
        attributes: of these, what llvm-mca has to be told.
        lines: an instruction as the model is to take it; more than one line, or another instruction, where
            the model is known to be wrong.
    """

    name: str
    has: frozenset[str]
    attributes: tuple[str, ...] = ()
    lines: Callable[[Instruction], Sequence[str]] = lambda instruction: (instruction.assembler(),)


@dataclass(frozen=True)
class Peak:
    """Arithmetic without loads: `lines` are repeated on accumulators of their own, numbered {0} and {1}."""

    needs: str
    lines: tuple[str, ...]
    macs: int

    def assembler(self) -> str:
        """Twelve independent groups, one kind of instruction after the other, so that no latency shows."""
        return "\n".join(line.format(i, i + 12) for line in self.lines for i in range(12)) + "\n"


@dataclass(frozen=True)
class Goal:
    """On `core` the largest tile of `family` with that arithmetic reaches `percent` of the peak."""

    family: str
    arithmetic: str
    core: str
    percent: float = 90


@dataclass(frozen=True)
class Target:
    """An architecture.

    Attributes:
        name: `make <name>` builds what is looked at, `make mca-<name>` looks.
        triple: LLVM's name of it.
        tool: that disassembles, as in `disassembly`.
        objects: object files, a pattern below the root.
        arithmetic: which of the peaks bounds a loop.
    """

    name: str
    triple: str
    tool: tuple[str, str]
    objects: str
    cores: tuple[Core, ...]
    peaks: Mapping[str, Peak]
    arithmetic: Callable[[Loop], str]
    goals: tuple[Goal, ...]


@dataclass(frozen=True)
class Row:
    """One inner loop on one core, by the model. `cycles` is None where the core lacks the instructions."""

    kernel: str
    arithmetic: str
    core: str
    instructions: int
    macs: int
    cycles: float | None
    peak: float  # MAC a cycle of the arithmetic alone

    @property
    def macs_per_cycle(self) -> float | None:
        return None if self.cycles is None else self.macs / self.cycles

    @property
    def percent(self) -> float | None:
        return None if self.macs_per_cycle is None else 100 * self.macs_per_cycle / self.peak


def cycles_of(bodies: Sequence[str], triple: str, core: Core, iterations: int = ITERATIONS) -> list[float]:
    """Cycles of one pass of each loop body in the steady state.

    Raises RuntimeError with what llvm-mca says against it.
    """
    command = [MCA, f"-mtriple={triple}", f"-mcpu={core.name}", f"-iterations={iterations}"]
    if core.attributes:
        command.append(f"-mattr=+{',+'.join(core.attributes)}")
    command += ["-instruction-info=0", "-resource-pressure=0"]
    # A label stands once in a file: every body has its own.
    text = "".join(
        f"# LLVM-MCA-BEGIN\n{re.sub(r'loop', f'loop{i}', body)}# LLVM-MCA-END\n"
        for i, body in enumerate(bodies)
    )
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RuntimeError(f"{MCA} is missing: apt-get install llvm-22") from None
    totals = re.findall(r"^Total Cycles: +(\d+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or len(totals) != len(bodies):
        raise RuntimeError(f"{MCA} -mcpu={core.name}: {done.stderr.strip() or done.stdout.strip()}")
    return [int(total) / iterations for total in totals]


def assembler(instructions: Sequence[Instruction], core: Core) -> str:
    """A loop body as the core's model takes it; every branch goes to its beginning."""
    return "\n".join(["loop:", *(line for i in instructions for line in core.lines(i))]) + "\n"


@cache
def peak_macs_per_cycle(peak: Peak, triple: str, core: Core) -> float:
    """MAC a cycle of a loop that only computes."""
    listing = "".join(f"{i:x}:\t{line}\n" for i, line in enumerate(peak.assembler().splitlines()))
    (body,) = disassembly.parse(f"0 <peak>:\n{listing}")
    return 12 * peak.macs / cycles_of([assembler(body.instructions, core)], triple, core)[0]


def kernel_name(path: Path, function: str) -> str:
    """Family, ISA and function: `gemm neon_dotprod Tile::run<4, 1>`."""
    family, isa = path.parent.name, path.name.split(".")[0]
    return f"{family} {isa} {disassembly.short_name(function)}"


def hot_loops(path: Path, target: Target) -> dict[str, Loop]:
    """By name: every function of the object with multiply-adds in a loop."""
    loops = ((f, disassembly.hot_loop(f)) for f in disassembly.functions(path, target.tool))
    return {kernel_name(path, function.name): loop for function, loop in loops if loop is not None}


def model(name: str, loop: Loop, core: Core, target: Target) -> Row:
    """The loop of the kernel `name` on one core."""
    kind = target.arithmetic(loop)
    size = len(loop.instructions), loop.macs
    if target.peaks[kind].needs not in core.has:
        return Row(name, kind, core.name, *size, None, 0.0)
    (cycles,) = cycles_of([assembler(loop.instructions, core)], target.triple, core)
    return Row(
        name, kind, core.name, *size, cycles, peak_macs_per_cycle(target.peaks[kind], target.triple, core)
    )


def analyse(paths: Sequence[Path], target: Target, kernel: str = "") -> list[Row]:
    """Every function of the objects with multiply-adds in a loop, on every core; `kernel`: part of its name.

    The models run in processes of their own, as many at once as this machine has cores.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = []
        for path in paths:
            for name, loop in hot_loops(path, target).items():
                if kernel in name:
                    rows += [pool.submit(model, name, loop, core, target) for core in target.cores]
        return [row.result() for row in rows]


def table(rows: Sequence[Row], target: Target) -> list[list[str]]:
    """One line a kernel; a column a core: cycles, MAC a cycle, share of the peak."""
    lines = [["kernel", "arithmetic", "instr.", "MAC", *(core.name for core in target.cores)]]
    for name in dict.fromkeys(row.kernel for row in rows):
        own = [row for row in rows if row.kernel == name]
        cells = [
            "no " + target.peaks[row.arithmetic].needs
            if row.cycles is None
            else f"{row.cycles:.1f} | {row.macs / row.cycles:.1f} of {row.peak:.1f} | {row.percent:.0f}%"
            for row in own
        ]
        lines.append([name, own[0].arithmetic, str(own[0].instructions), str(own[0].macs), *cells])
    return lines


def goals(rows: Sequence[Row], target: Target) -> list[tuple[str, bool]]:
    """The largest tile of each goal, and whether it is met."""
    result = []
    for goal in target.goals:
        kind = (goal.core, goal.arithmetic)
        tiles = [r for r in rows if (r.core, r.arithmetic) == kind and r.kernel.startswith(f"{goal.family} ")]
        if tiles:
            best = max(tiles, key=lambda r: r.macs)
            met = best.percent is not None and best.percent >= goal.percent
            text = f"{best.kernel} on {goal.core}: {best.percent:.1f} % of the peak, goal {goal.percent:g} %"
            result.append((f"{text}: {'met' if met else 'MISSED'}", met))
    return result


def report(rows: Sequence[Row], target: Target, markdown: bool) -> str:
    """The table and the goals, as text or Markdown."""
    lines = [
        "Proxy: llvm-mca's model of each core, not a measurement.",
        "Per core: cycles a pass | MAC a cycle of the peak | share of the peak.\n",
        tables.draw(table(rows, target), markdown),
        *(("- " if markdown else "") + line for line, _ in goals(rows, target)),
    ]
    return "\n".join(lines) + "\n"


def main(target: Target, description: str | None, mark: str, arguments: Sequence[str] | None) -> int:
    """The command of one architecture; `mark`: of its table in a page."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--object", type=Path, nargs="+", help=f"object files (default: {target.objects})")
    parser.add_argument("--kernel", default="", help="only kernels with this in their name")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument(
        "--markdown", type=Path, help=f"write the table to a file, or between its marks for `{mark}`"
    )
    parser.add_argument("--show", action="store_true", help="print the loops themselves, as compiled")
    parser.add_argument("--gate", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    paths = options.object or sorted(ROOT.glob(target.objects))
    if not paths:
        print(f"mca: no object files: {ROOT / target.objects}: run `make {target.name}`", file=sys.stderr)
        return 2
    try:
        if options.show:
            for name, loop in (item for path in paths for item in hot_loops(path, target).items()):
                if options.kernel in name:
                    print(f"// {name}\n{loop.assembler()}")
            return 0
        rows = analyse(paths, target, options.kernel)
    except (RuntimeError, FileNotFoundError) as error:
        print(f"mca: {error}", file=sys.stderr)
        return 2
    print(report(rows, target, markdown=False))
    if options.json:
        figures = [asdict(row) | {"percent": row.percent} for row in rows]
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.markdown:
        tables.write(options.markdown, mark, report(rows, target, markdown=True))
    return 1 if options.gate and not all(met for _, met in goals(rows, target)) else 0

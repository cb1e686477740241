"""What LLVM's models of ARM cores say about our inner loops, as compiled: `make mca-arm`.

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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from bench.arm import disassembly
from mobilekernels.bench import tables

MCA = "llvm-mca-22"
ROOT = Path(__file__).parents[2]
OBJECTS = "build/linux-aarch64/CMakeFiles/mobilekernels_kernels_*.dir/csrc/kernels/*/*.o"
ITERATIONS = 1000
# Cores by LLVM's names, with the instructions they really have.
CORES = {
    "cortex-a53": {"neon"},
    "cortex-a55": {"neon", "dotprod"},
    "neoverse-n1": {"neon", "dotprod"},
    "cortex-x1": {"neon", "dotprod"},
    "apple-m1": {"neon", "dotprod"},
    "cortex-a710": {"neon", "dotprod", "i8mm"},
    "cortex-x3": {"neon", "dotprod", "i8mm"},
}
GOAL = 90
GOAL_CORES = ("neoverse-n1", "cortex-x1")


@dataclass(frozen=True)
class Peak:
    """Arithmetic without loads: `lines` are repeated on accumulators of their own, numbered {0} and {1}."""

    needs: str
    lines: tuple[str, ...]
    macs: int

    def assembler(self) -> str:
        """Twelve independent groups, one kind of instruction after the other, so that no latency shows."""
        return "\n".join(line.format(i, i + 12) for line in self.lines for i in range(12)) + "\n"


PEAKS = {
    "smmla": Peak("i8mm", ("smmla v{0}.4s, v30.16b, v31.16b", "smmla v{1}.4s, v30.16b, v31.16b"), 64),
    "sdot": Peak("dotprod", ("sdot v{0}.4s, v30.16b, v31.16b", "sdot v{1}.4s, v30.16b, v31.16b"), 32),
    "smull smlal sadalp": Peak(
        "neon",
        ("smull v{0}.8h, v30.8b, v31.8b", "smlal v{0}.8h, v28.8b, v29.8b", "sadalp v{1}.4s, v{0}.8h"),
        16,
    ),
    "smull smlal saddw": Peak(
        "neon",
        (
            "smull v{0}.8h, v30.8b, v31.8b",
            "smlal v{0}.8h, v28.8b, v29.8b",
            "saddw v{1}.4s, v{1}.4s, v{0}.4h",
            "saddw2 v{1}.4s, v{1}.4s, v{0}.8h",
        ),
        16,
    ),
    "smlal (int16)": Peak("neon", ("smlal v{0}.4s, v30.4h, v31.4h", "smlal2 v{1}.4s, v30.8h, v31.8h"), 8),
}


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


def cycles_per_iteration(assembler: str, core: str) -> float:
    """Cycles of one pass in the steady state. Raises RuntimeError with what llvm-mca says against it."""
    command = [MCA, "-mtriple=aarch64", f"-mcpu={core}", f"-mattr=+{',+'.join(sorted(CORES[core]))}"]
    command += [f"-iterations={ITERATIONS}", "-instruction-info=0", "-resource-pressure=0"]
    try:
        done = subprocess.run(command, input=assembler, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RuntimeError(f"{MCA} is missing: apt-get install llvm-22") from None
    total = re.search(r"^Total Cycles: +(\d+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or total is None:
        raise RuntimeError(f"{MCA} -mcpu={core}: {done.stderr.strip() or done.stdout.strip()}")
    return int(total[1]) / ITERATIONS


def arithmetic(loop: disassembly.Loop) -> str:
    """Which of the PEAKS bounds this loop."""
    names = {instruction.mnemonic for instruction in loop.instructions}
    for name in ("smmla", "sdot"):
        if name in names:
            return name
    if "sadalp" in names:
        return "smull smlal sadalp"
    return "smull smlal saddw" if names & {"saddw", "saddw2"} else "smlal (int16)"


@cache
def peak_macs_per_cycle(name: str, core: str) -> float:
    """MAC a cycle of a loop that only computes."""
    peak = PEAKS[name]
    return 12 * peak.macs / cycles_per_iteration(peak.assembler(), core)


def kernel_name(path: Path, function: str) -> str:
    """Family, ISA and function: `gemm neon_dotprod Tile::run<4, 1>`."""
    family, isa = path.parent.name, path.name.split(".")[0]
    return f"{family} {isa} {disassembly.short_name(function)}"


def model(name: str, loop: disassembly.Loop, core: str) -> Row:
    """The loop of the kernel `name` on one core."""
    kind = arithmetic(loop)
    able = PEAKS[kind].needs in CORES[core]
    cycles = cycles_per_iteration(loop.assembler(), core) if able else None
    peak = peak_macs_per_cycle(kind, core) if able else 0.0
    return Row(name, kind, core, len(loop.instructions), loop.macs, cycles, peak)


def analyse(paths: Sequence[Path], kernel: str = "") -> list[Row]:
    """Every function of the objects with multiply-adds in a loop, on every core; `kernel`: part of its name.

    The models run in processes of their own, as many at once as this machine has cores.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = []
        for path in paths:
            for function in disassembly.functions(path):
                name, loop = kernel_name(path, function.name), disassembly.hot_loop(function)
                if loop is not None and kernel in name:
                    rows += [pool.submit(model, name, loop, core) for core in CORES]
        return [row.result() for row in rows]


def table(rows: Sequence[Row]) -> list[list[str]]:
    """One line a kernel; a column a core: cycles, MAC a cycle, share of the peak."""
    lines = [["kernel", "arithmetic", "instr.", "MAC", *CORES]]
    for name in dict.fromkeys(row.kernel for row in rows):
        own = [row for row in rows if row.kernel == name]
        cells = [
            "no " + PEAKS[row.arithmetic].needs
            if row.cycles is None
            else f"{row.cycles:.1f} | {row.macs / row.cycles:.1f} of {row.peak:.1f} | {row.percent:.0f}%"
            for row in own
        ]
        lines.append([name, own[0].arithmetic, str(own[0].instructions), str(own[0].macs), *cells])
    return lines


def goals(rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """The largest dot-product GEMM tile against the goal, and whether it is met, on each core of the goal."""
    result = []
    for core in GOAL_CORES:
        tiles = [r for r in rows if r.core == core and r.kernel.startswith("gemm") and r.arithmetic == "sdot"]
        if tiles:
            best = max(tiles, key=lambda r: r.macs)
            met = best.percent is not None and best.percent >= GOAL
            text = f"{best.kernel} on {core}: {best.percent:.1f} % of the peak, goal {GOAL} %"
            result.append((f"{text}: {'met' if met else 'MISSED'}", met))
    return result


def report(rows: Sequence[Row], markdown: bool) -> str:
    """The table and the goals, as text or Markdown."""
    lines = [
        "Proxy: llvm-mca's model of each core, not a measurement.",
        "Per core: cycles a pass | MAC a cycle of the peak | share of the peak.\n",
        tables.draw(table(rows), markdown),
        *(("- " if markdown else "") + line for line, _ in goals(rows)),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--object", type=Path, nargs="+", help=f"object files (default: {OBJECTS})")
    parser.add_argument("--kernel", default="", help="only kernels with this in their name")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument(
        "--markdown", type=Path, help="write the table to a file, or between its marks for `mca`"
    )
    parser.add_argument(
        "--show", action="store_true", help="print the loops themselves, as llvm-mca gets them"
    )
    parser.add_argument("--gate", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    paths = options.object or sorted(ROOT.glob(OBJECTS))
    if not paths:
        print(f"mca: no object files: {ROOT / OBJECTS}: run `make arm`", file=sys.stderr)
        return 2
    if options.show:
        for path in paths:
            for function in disassembly.functions(path):
                loop = disassembly.hot_loop(function)
                if loop is not None and options.kernel in kernel_name(path, function.name):
                    print(f"// {kernel_name(path, function.name)}\n{loop.assembler()}")
        return 0
    try:
        rows = analyse(paths, options.kernel)
    except (RuntimeError, FileNotFoundError) as error:
        print(f"mca: {error}", file=sys.stderr)
        return 2
    print(report(rows, markdown=False))
    if options.json:
        figures = [asdict(row) | {"percent": row.percent} for row in rows]
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.markdown:
        tables.write(options.markdown, "mca", report(rows, markdown=True))
    return 1 if options.gate and not all(met for _, met in goals(rows)) else 0


if __name__ == "__main__":
    sys.exit(main())

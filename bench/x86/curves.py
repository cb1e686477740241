"""Break-even curves of AVX-512 VNNI by the model of cycles: `python -m bench.x86.curves`.

Ten minutes of emulation. Writes them into the package's file, labelled with what they are made of; curves of
other instruction sets stay. By them `convert` runs pruned layers sparse on a CPU where nobody has run `tune`
yet. AVX2's were measured: with `--isa avx2` the model's curves are printed beside them, which tells how far
it errs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from bench.arm.plugin import CountError
from bench.proxies import curves
from bench.x86 import steps
from bench.x86.cores import CORES
from bench.x86.cycles import Program
from bench.x86.shares import cost_at, variants
from mobilekernels.bench import tables
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curve_file import package_curves
from mobilekernels.sparsity.curves import MODEL, Curve
from mobilekernels.sparsity.subjects import SUBJECTS, Subject
from mobilekernels.sparsity.tune import OCCUPANCIES, curves_of
from mobilekernels.sparsity.zeros import block_name

ISA, MEASURED_ISA = "avx512vnni", "avx2"
# Pixels of a side: an image four times the size has the same paths four times as often.
MOST_PIXELS = 28
MOST_WEIGHTS = 2_000_000  # a layer of more is packed for minutes


def subjects() -> list[Subject]:
    """Those that `tune` measures but the largest, on images of at most `MOST_PIXELS` squared."""
    weights = {s: s.channels * s.out_channels * max(s.kernel, 1) ** 2 for s in SUBJECTS}
    small = [s for s in SUBJECTS if weights[s] <= MOST_WEIGHTS]
    return [replace(s, size=min(s.size, MOST_PIXELS)) if s.kernel else s for s in small]


def lesser(by_core: Sequence[Sequence[Curve]]) -> list[Curve]:
    """The curves that promise no more than any core's: what is converted may run on each of them."""
    return [
        replace(first, speedup=tuple(map(min, zip(*(curve.speedup for curve in each), strict=True))))
        for each in zip(*by_core, strict=True)
        for first in each[:1]
    ]


def model(isa: str, chosen: Sequence[Subject]) -> list[Curve]:
    """The curves of an instruction set.

    Raises:
        CountError: the runner or Bochs is missing, or fails.
        RuntimeError, FileNotFoundError: llvm-mca or objdump is missing.
    """
    program = Program()
    return [
        curve
        for subject in chosen
        for curve in modelled(
            isa, subject, steps.count(variants(curves.layer(subject, "0", {})), isa), program
        )
    ]


def modelled(isa: str, subject: Subject, counted: Sequence[steps.Steps], program: Program) -> list[Curve]:
    """The curves of a subject whose variants were counted."""
    names = " and ".join(core.name for core in CORES[isa])
    provenance = (
        f"executed paths by llvm-mca's model of {names}, the lesser (bench.x86.curves), {date.today()}"
    )
    by_core = []
    for core in CORES[isa]:
        emulated = {each.layer.name: program.cycles(each, core) for each in counted}
        cost = partial(_cost, emulated)
        by_core.append(curves_of(isa, subject.shape, emulated["0"], cost, MODEL, provenance))
    return lesser(by_core)


def _cost(emulated: Mapping[str, float], block: Block, share: float) -> float:
    return cost_at(emulated, "0", block_name(block), share)


def beside_measured(made: Sequence[Curve]) -> list[list[str]]:
    """A table of speed-ups, modelled / measured, and the first by the second."""
    shares = [each for each in OCCUPANCIES if each <= 0.5]
    rows = [["layer", *(f"{100 * (1 - each):.0f} %" for each in shares)]]
    known = package_curves()
    for curve in made:
        cells = []
        measured = known.find(curve.isa, curve.block, curve.layer)
        for each in shares if measured is not None else ():
            found, true = curve.at(each), measured.at(each)  # type: ignore[union-attr]
            cells.append(f"{found:.2f} / {true:.2f} = {found / true:.2f}")
        rows.append([f"{curve.layer} {block_name(curve.block)}", *cells])
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", choices=(ISA, MEASURED_ISA), default=ISA)
    parser.add_argument("--subject", type=int, action="append", help="only these, by number (default: all)")
    options = parser.parse_args(arguments)
    chosen = subjects()
    try:
        made = model(options.isa, [chosen[i] for i in options.subject or range(len(chosen))])
    except (CountError, FileNotFoundError, RuntimeError) as error:
        print(f"curves: {error}", file=sys.stderr)
        return 2
    if options.isa == MEASURED_ISA or options.subject:
        print(tables.text(beside_measured(made)))
    else:
        print(f"written: {curves.write(made)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

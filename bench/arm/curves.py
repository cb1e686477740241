"""Break-even curves of ARM's instruction sets by counted instructions: `python -m bench.arm.curves`.

Writes them into the package's file, each labelled with what it is made of; curves of other instruction sets
stay. By them `convert(target="neon_dotprod")` knows something of a phone before it was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from bench.arm import gate, sparse
from bench.arm.plugin import CountError
from mobilekernels.bench.layers import Layer
from mobilekernels.sparsity.curve_file import PACKAGE_FILE, package_curves, write_curves
from mobilekernels.sparsity.curves import INSTRUCTIONS, Curve
from mobilekernels.sparsity.subjects import SUBJECTS, Subject
from mobilekernels.sparsity.tune import OCCUPANCIES
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name

# The emulated CPU that has an instruction set and none that is better.
CPUS = {"neon": "cortex-a53", "neon_dotprod": "neoverse-n1", "neon_i8mm": "max,sme=off"}


def layer(subject: Subject, name: str, sparsity: dict[str, str]) -> Layer:
    """A subject as the runner reads it."""
    channels = {"in": str(subject.channels), "out": str(subject.out_channels)}
    if not subject.kernel:
        return Layer(name, "linear", {"rows": str(subject.size), **channels, **sparsity})
    kernel, pad, image = (f"{n}x{n}" for n in (subject.kernel, subject.kernel // 2, subject.size))
    return Layer(name, "conv2d", {**channels, "kernel": kernel, "pad": pad, "image": image, **sparsity})


def layers(subjects: Sequence[Subject]) -> list[Layer]:
    """Every subject dense, and in every block at every occupancy."""
    listed = []
    for i, subject in enumerate(subjects):
        listed.append(layer(subject, f"{i}", {}))
        for block in map(block_name, SPARSE_BLOCKS):
            for occupancy in OCCUPANCIES:
                zeros = f"{100 * (1 - occupancy):.0f}"
                listed.append(layer(subject, f"{i}_{block}_{occupancy}", {"block": block, "zeros": zeros}))
    return listed


def count(isa: str, subjects: Sequence[Subject] = SUBJECTS) -> list[Curve]:
    """The curves of an instruction set.

    Raises:
        CountError: the runner is missing or fails.
    """
    instructions = {result.layer: result.instructions for result in sparse.count(layers(subjects), CPUS[isa])}
    provenance = f"instructions executed on an emulated {CPUS[isa]}, {gate.compiler()}, {date.today()}"
    return [
        Curve(
            isa,
            block,
            subject.shape,
            OCCUPANCIES,
            tuple(
                round(instructions[f"{i}"] / instructions[f"{i}_{block_name(block)}_{each}"], 3)
                for each in OCCUPANCIES
            ),
            INSTRUCTIONS,
            provenance,
        )
        for i, subject in enumerate(subjects)
        for block in SPARSE_BLOCKS
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", choices=tuple(CPUS), action="append", help="only these (default: all)")
    options = parser.parse_args(arguments)
    isas = options.isa or list(CPUS)
    before = package_curves()
    try:
        counted = [curve for isa in isas for curve in count(isa)]
    except CountError as error:
        print(f"curves: {error}", file=sys.stderr)
        return 2
    kept = tuple(curve for curve in before.curves if curve.isa not in isas)
    print(f"written: {write_curves(replace(before, curves=(*kept, *counted)), PACKAGE_FILE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Break-even curves of ARM's instruction sets by counted instructions: `python -m bench.arm.curves`.

Writes them into the package's file, each labelled with what it is made of; curves of other instruction sets
stay. By them `convert(target="neon_dotprod")` knows something of a phone before it was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from bench.arm import gate, sparse
from bench.arm.plugin import CountError
from bench.proxies import curves
from mobilekernels.sparsity.curves import INSTRUCTIONS, Curve
from mobilekernels.sparsity.subjects import SUBJECTS, Subject

# The emulated CPU that has an instruction set and none that is better.
CPUS = {"neon": "cortex-a53", "neon_dotprod": "neoverse-n1", "neon_i8mm": "max,sme=off"}


def count(isa: str, subjects: Sequence[Subject] = SUBJECTS) -> list[Curve]:
    """The curves of an instruction set.

    Raises:
        CountError: the runner is missing or fails.
    """
    results = sparse.count(curves.layers(subjects), CPUS[isa])
    instructions = {result.layer: result.instructions for result in results}
    provenance = f"instructions executed on an emulated {CPUS[isa]}, {gate.compiler()}, {date.today()}"
    return curves.curves(isa, subjects, instructions, INSTRUCTIONS, provenance)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", choices=tuple(CPUS), action="append", help="only these (default: all)")
    options = parser.parse_args(arguments)
    try:
        counted = [curve for isa in options.isa or CPUS for curve in count(isa)]
    except CountError as error:
        print(f"curves: {error}", file=sys.stderr)
        return 2
    print(f"written: {curves.write(counted)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

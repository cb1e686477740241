"""``kernels``: what is built, runnable here, and chosen."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from mobilekernels.cli import exits, options, output

HELP = "list the kernels: built, runnable on this machine, chosen"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_json(parser)
    parser.epilog = (
        "The environment variable MOBILEKERNELS_ISA caps the instruction set, for example to avx2."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The kernels as JSON, or a table."""
    from mobilekernels.dispatch import kernels

    found = kernels()
    if args.json:
        return exits.OK, [asdict(kernel) for kernel in found]
    rows = [
        (
            kernel.family,
            kernel.isa,
            *map(_mark, (kernel.built, kernel.runnable, kernel.chosen)),
            kernel.reason,
        )
        for kernel in found
    ]
    output.print_table(
        ("family", "isa", "built", "runnable", "chosen", "why not"),
        rows,
        strong=[index for index, kernel in enumerate(found) if kernel.chosen],
    )
    return exits.OK, None


def _mark(yes: bool) -> str:
    return "yes" if yes else "-"

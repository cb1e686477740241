"""``tune``: measure on this machine from which share of zeros on sparse kernels pay."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mobilekernels.cli import exits, options, output
from mobilekernels.sparsity.curve_file import ENVIRONMENT, read_curves, user_file, write_curves
from mobilekernels.sparsity.curves import Curve, Curves
from mobilekernels.sparsity.tune import ROUNDS, tune
from mobilekernels.sparsity.zeros import block_name

HELP = "measure on this machine from which share of zeros on sparse kernels pay"
# Shares of zero blocks in the table.
_COLUMNS = (0.5, 0.7, 0.8, 0.9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=str(user_file()), help=f"where to save ({user_file()})"
    )
    parser.add_argument(
        "--isa",
        action="append",
        metavar="NAME",
        help="instruction set to measure, more than once for several (the one that convolutions run on here)",
    )
    parser.add_argument(
        "--rounds", type=options.positive, default=ROUNDS, help=f"timed rounds of each layer ({ROUNDS})"
    )
    parser.add_argument(
        "--float32", action="store_true", help="pruned layers in float32, against PyTorch's own operators"
    )
    options.add_json(parser)
    parser.epilog = (
        "examples:\n  python -m mobilekernels tune\n"
        "  python -m mobilekernels tune -o curves.json --isa avx2\n"
        "  python -m mobilekernels convert nets:pruned --curves curves.json\n\n"
        "Curves of other instruction sets stay in a file that is there. Nothing reads the file by itself:\n"
        f"name it with --curves, with convert(..., curves=...) or in the variable {ENVIRONMENT}."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The curves as JSON, or a table."""
    path = Path(args.output)
    before = read_curves(path, "--output: ") if path.exists() else Curves((), args.output)
    found = tune(args.isa, rounds=args.rounds, float32=args.float32)
    rows = found.float32 if args.float32 else found.curves
    measured = {curve.isa for curve in rows}
    if args.float32:
        kept = tuple(curve for curve in before.float32 if curve.isa not in measured)
        write_curves(replace(before, float32=(*kept, *rows)), path)
    else:
        kept = tuple(curve for curve in before.curves if curve.isa not in measured)
        write_curves(replace(before, curves=(*kept, *rows)), path)
    if args.json:
        return exits.OK, {"output": args.output, "curves": [asdict(curve) for curve in rows]}
    header = ("isa", "layer", "block", *(f"{share:.0%} zeros" for share in _COLUMNS), "pays from")
    output.print_table(header, [_row(curve) for curve in rows], numeric=range(3, len(header)))
    dense = "PyTorch's float32" if args.float32 else "dense"
    print(f"\nspeed-up over {dense} by share of zero blocks; saved: {path}\nto use it: {ENVIRONMENT}={path}")
    return exits.OK, None


def _row(curve: Curve) -> tuple[str, ...]:
    least = 1 - curve.break_even()
    gains = (f"{curve.at(1 - share):.2f}x" for share in _COLUMNS)
    pays = "never" if least == 1 else f"{least:.0%}"
    return curve.isa, str(curve.layer), block_name(curve.block), *gains, pays

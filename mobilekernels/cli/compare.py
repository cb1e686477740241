"""``compare``: our kernels against the float model and stock engines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobilekernels.cli import data, exits, options, output
from mobilekernels.cli.exits import UsageError
from mobilekernels.cli.pipeline import run_pipeline

HELP = "accuracy and latency against the float model and stock engines"
RANDOM_CALLS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument(
        "--data", metavar="DIR", help="folder of images or .npy arrays to compare on; random otherwise"
    )
    parser.add_argument(
        "--engines",
        type=options.engine_names,
        default="all",
        metavar="NAMES",
        help=f"all, or with commas between: {', '.join(options.ENGINES)}",
    )
    options.add_timing(parser)
    parser.add_argument("--html", metavar="FILE", help="write a page with plots too")
    options.add_quantization(parser)
    options.add_sparsity(parser)
    options.add_json(parser)
    parser.epilog = (
        "example:\n  python -m mobilekernels compare torchvision:mobilenet_v2 --engines mobilekernels,xnnpack"
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The comparison as JSON, or a table."""
    from mobilekernels.comparison import HEADER

    comparison = _compare(args)
    if args.html:
        Path(args.html).write_text(comparison.to_html(f"{args.model}: engines"), encoding="utf-8")
    if args.json:
        return exits.OK, comparison.to_dict()
    output.print_table(
        HEADER,
        [result.cells() for result in comparison.results],
        numeric=range(1, len(HEADER) - 1),
        strong=[index for index, result in enumerate(comparison.results) if result.name == "mobilekernels"],
    )
    print("\n".join([comparison.caption(), *comparison.notes]))
    return exits.OK, None


def _compare(args: argparse.Namespace) -> Any:
    from mobilekernels.compare import compare

    pipeline = run_pipeline(args, loud=True)
    if pipeline.float_module is None:
        raise UsageError(
            f"{args.model}: compare starts from a float model, and this one is quantized already"
        )
    calls = (
        data.folder_calls(args.data, pipeline.example, args.mean, args.std)
        if args.data
        else data.random_calls(pipeline.example, RANDOM_CALLS, seed=2)
    )
    return compare(
        pipeline.float_module,
        pipeline.converted,
        calls,
        quantized=pipeline.quantized,  # type: ignore[arg-type]
        calibration_data=pipeline.calibration,
        engines=args.engines,
        threads=args.threads,
        rounds=args.rounds,
    )

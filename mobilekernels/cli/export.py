"""``export``: any model -> quantized -> on our kernels -> a file for a phone's runtime."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from mobilekernels.cli import data, exits, options
from mobilekernels.cli.pipeline import is_converted, named_model, run_pipeline

HELP = "quantize and convert a model (if need be) and write it as .pte, .pt2 or .ptl"

# Whose break-even curves decide while converting: of cores that most phones and computers are no worse than.
_ISA = {"any": None, "arm64": "neon_dotprod", "x86_64": "avx2"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the suffix says what: .pte, .pt2 or .ptl"
    )
    parser.add_argument(
        "--target",
        dest="device",
        choices=tuple(_ISA),
        default="any",
        help="what for (any): whose break-even curves choose dense or sparse kernels of pruned layers; the "
        "file runs on every device all the same, but with --aot-inductor on this machine alone",
    )
    parser.add_argument(
        "--max-batch", type=options.positive, metavar="N", help="largest batch (.pte: 8, else any)"
    )
    parser.add_argument(
        "--rest",
        choices=("xnnpack", "portable"),
        default="xnnpack",
        help=".pte: what computes operators that are not ours (xnnpack, where it takes them)",
    )
    parser.add_argument("--aot-inductor", action="store_true", help=".pt2: compile for this machine")
    options.add_quantization(parser)
    options.add_sparsity(parser, target=False)
    options.add_strict(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n"
        "  python -m mobilekernels export torchvision:resnet18 -o resnet18.pte --calibration photos/\n"
        "  python -m mobilekernels export converted.pt2 -o converted.pte --target arm64\n\n"
        "What is in the file: python -m mobilekernels inspect resnet18.pte"
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """Export; the report as JSON, or text."""
    from mobilekernels.export.export import export

    model, example, why = _converted(args)
    with warnings.catch_warnings():
        warnings.simplefilter("default", DeprecationWarning)  # ours of .ptl, which Python hides by default
        report = export(
            model,
            example,
            args.output,
            max_batch=args.max_batch,
            rest=args.rest,
            aot_inductor=args.aot_inductor,
            target=args.device,
        )
    code = exits.NOT_COVERED if args.strict and report.not_ours else exits.OK
    if args.json:
        return code, report.to_dict() | {"stock": why}
    print(report)
    for row in why:
        print(f"  {row['op']} ({row['name']}): not ours, {row['reason']}")
    return code, None


def _converted(args: argparse.Namespace) -> tuple[Any, data.Inputs, list[dict[str, str]]]:
    """The model on our kernels, its example, and why what is not ours is not."""
    if args.model.endswith(".pt2"):
        model = named_model(args.model)
        if is_converted(model.module):
            if args.sparse != "auto" or args.curves:
                raise exits.UsageError(
                    f"--sparse, --curves: given with {args.model}, accepted with a model that is converted "
                    "here: this one was converted before, and keeps its kernels"
                )
            return model.module, data.example_inputs(model, args.input_shape), []
    args.target = _ISA[args.device]
    pipeline = run_pipeline(args, loud=True)
    why = [{"name": row.name, "op": row.op, "reason": row.reason} for row in pipeline.report.stock]
    return pipeline.converted, pipeline.example, why

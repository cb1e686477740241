"""``convert``: any model -> quantized -> on our kernels -> a .pt2 file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobilekernels.cli import exits, options
from mobilekernels.cli.pipeline import export_converted, run_pipeline

HELP = "quantize a model (if float), rewrite it onto our kernels and save it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="converted.pt2", help="where to save (converted.pt2)"
    )
    parser.add_argument("--html", metavar="FILE", help="write the conversion report as a page too")
    options.add_quantization(parser)
    options.add_sparsity(parser)
    options.add_strict(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n"
        "  python -m mobilekernels convert torchvision:resnet18 -o resnet18.pt2 --calibration photos/\n"
        "  python -m mobilekernels convert nets:build --calibration arrays/ --observer mse --skip 'head*'\n\n"
        "Load the result with: import mobilekernels, torch; torch.export.load('resnet18.pt2').module()"
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """Convert and save; the report as JSON, or text."""
    pipeline = run_pipeline(args, loud=True)
    batch = export_converted(pipeline.converted, pipeline.example, args.output)
    report = pipeline.report
    if args.html:
        Path(args.html).write_text(report.to_html(), encoding="utf-8")
    code = exits.NOT_COVERED if args.strict and report.stock else exits.OK
    if args.json:
        return code, {
            "output": args.output,
            "batch": batch,
            "random_calibration": pipeline.random,
            "report": report.to_dict(),
        }
    print(report)
    print(f"\nsaved: {args.output} ({batch} batch)")
    return code, None

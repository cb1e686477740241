"""``inspect``: what of a model would run on our kernels, and what would not and why."""

from __future__ import annotations

import argparse
import operator
from collections import Counter
from pathlib import Path
from typing import Any

from torch import fx, nn

from mobilekernels.cli import exits, options
from mobilekernels.cli.pipeline import is_converted, named_model, run_pipeline
from mobilekernels.segments.walk import calls

HELP = "coverage of a model: what is swapped, by which kernel, what is not and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument("--html", metavar="FILE", help="write the report as a page too")
    options.add_sparsity(parser)
    options.add_strict(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n  python -m mobilekernels inspect torchvision:mobilenet_v2\n"
        "  python -m mobilekernels inspect my_package.nets:build --input-shape 1,3,96,96 --strict\n\n"
        "A float model is quantized with random data first: ranges do not matter for coverage."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The report as JSON, or text."""
    if args.model.endswith(".pt2") and is_converted(module := named_model(args.model).module):
        return exits.OK, _converted(module, args.json)
    pipeline = run_pipeline(args, loud=False)
    report = pipeline.report
    if args.html:
        Path(args.html).write_text(report.to_html(), encoding="utf-8")
    code = exits.NOT_COVERED if args.strict and report.stock else exits.OK
    if args.json:
        return code, report.to_dict()
    print(report)
    return code, None


def _converted(module: nn.Module, json: bool) -> Any:
    """A model that was converted before: its operators, counted."""
    assert isinstance(module, fx.GraphModule)
    counts = Counter(str(target) for target, _ in calls(module) if target is not operator.getitem)
    if json:
        return {"converted": True, "operators": dict(counts)}
    print("converted already; its operators:")
    for name, count in counts.most_common():
        print(f"{count:5d}  {name}")
    return None

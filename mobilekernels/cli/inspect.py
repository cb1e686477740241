"""``inspect``: what of a model would run on our kernels, and what would not and why."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilekernels.cli import exits, options
from mobilekernels.cli.pipeline import is_converted, named_model, run_pipeline

if TYPE_CHECKING:
    from mobilekernels.export.contents import Contents

HELP = "coverage of a model: what is swapped, what not and why; or what is in an exported file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument("--html", metavar="FILE", help="write the report as a page too")
    options.add_sparsity(parser)
    options.add_strict(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n  python -m mobilekernels inspect torchvision:mobilenet_v2\n"
        "  python -m mobilekernels inspect my_package.nets:build --input-shape 1,3,96,96 --strict\n"
        "  python -m mobilekernels inspect model.pte\n\n"
        "A float model is quantized with random data first: ranges do not matter for coverage."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The report as JSON, or text."""
    contents = _exported(args.model)
    if contents is not None:
        if args.json:
            return exits.OK, contents.to_dict()
        print(contents)
        return exits.OK, None
    pipeline = run_pipeline(args, loud=False)
    report = pipeline.report
    if args.html:
        Path(args.html).write_text(report.to_html(), encoding="utf-8")
    code = exits.NOT_COVERED if args.strict and report.stock else exits.OK
    if args.json:
        return code, report.to_dict()
    print(report)
    return code, None


def _exported(source: str) -> Contents | None:
    """The contents of an exported file; None for a model that was not converted yet."""
    from mobilekernels.export import pt2
    from mobilekernels.export.inspect import SUFFIXES, read

    path = Path(source)
    if path.suffix not in SUFFIXES:
        return None
    if not path.is_file():
        raise exits.UsageError(f"model: given {source!r}, which is no file")
    if path.suffix == ".pt2" and not pt2.is_compiled(path) and not is_converted(named_model(source).module):
        return None
    return read(path)

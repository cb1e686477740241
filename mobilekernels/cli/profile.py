"""``profile``: where the time of a converted network goes, operator by operator."""

from __future__ import annotations

import argparse
from typing import Any

from mobilekernels.cli import exits, options, output
from mobilekernels.cli.pipeline import run_pipeline

HELP = "each operator's time inside a network on this machine, and the share outside of operators"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    options.add_model(parser)
    parser.add_argument("--threads", type=options.positive, default=1, help="of our operators (1)")
    parser.add_argument("--calls", type=options.positive, default=50, help="timed calls (50)")
    options.add_sparsity(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n  python -m mobilekernels profile torchvision:mobilenet_v2\n"
        "  taskset -c 1 python -m mobilekernels profile torchvision:mobilenet_v2 --json\n\n"
        "Times are medians in the network, each operator's weights and data where the one before left them.\n"
        "A float model is quantized with random data first: ranges do not matter for speed."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """The profile as JSON, or a table."""
    from mobilekernels.converted import ConvertedModel
    from mobilekernels.segments.profile import profile

    pipeline = run_pipeline(args, loud=False)
    assert isinstance(pipeline.converted, ConvertedModel)
    found = profile(pipeline.converted, pipeline.example, args.calls, args.threads)
    if args.json:
        return exits.OK, found.to_dict()
    header, *rows = found.rows()
    output.print_table(header, rows, numeric=(3, 4, 5))
    print(found.summary())
    return exits.OK, None

"""``demo``: the main job on a real network, with real photos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mobilekernels.cli import exits, options, output

HELP = "EfficientNet-Lite0 with real weights: quantize, convert, compare, save"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--output", metavar="DIR", default="mobilekernels-demo", help="folder for report.html and the model"
    )
    parser.add_argument("--quick", action="store_true", help="few photos, engines and rounds: a smoke test")
    options.add_timing(parser, rounds=None)
    options.add_json(parser)


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """Do the job; 1 where the saved model does not give the same bytes."""
    from mobilekernels.demo import job, page

    result = job.run(Path(args.output), quick=args.quick, threads=args.threads, rounds=args.rounds)
    report = Path(args.output) / "report.html"
    report.write_text(page.render(result), encoding="utf-8")
    code = exits.OK if result.reload_equal else exits.FAILED
    if code != exits.OK:
        print(
            "error: the saved model, loaded again, gives other bytes than the converted one", file=sys.stderr
        )
    if args.json:
        return code, {**result.to_dict(), "report": str(report)}
    _print(result, report)
    return code, None


def _print(result: Any, report: Path) -> None:
    from mobilekernels.comparison import HEADER
    from mobilekernels.demo import page

    predictions = [
        (
            prediction.name,
            prediction.truth,
            prediction.float_class,
            prediction.int8_class,
            f"{prediction.int8_probability:.0%}",
        )
        for prediction in result.predictions
    ]
    output.print_table(
        ("photo", "label", "float32", "int8", "sure"), predictions, numeric=(4,), title="Predictions"
    )
    print()
    comparison = result.comparison
    output.print_table(
        HEADER,
        [engine.cells() for engine in comparison.results],
        numeric=range(1, len(HEADER) - 1),
        strong=[index for index, engine in enumerate(comparison.results) if engine.name == "mobilekernels"],
        title="Engines",
    )
    print("\n".join([comparison.caption(), *comparison.notes, "", *page.headline(result)]))
    conversion = result.conversion
    print(f"Coverage: {conversion.op_coverage:.1%} of operators, {conversion.mac_coverage:.1%} of MACs.")
    times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.seconds.items())
    print(f"Time: {sum(result.seconds.values()):.0f} s ({times}).")
    print(f"Report: {report}\nModel:  {result.model_path}")

"""Whole networks, ours and every peer on the same machine in one run: `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.e2e.measure import measure_network
from bench.e2e.networks import NETWORKS, QUICK_NETWORKS
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.network_report import Report
from mobilekernels.cli.options import positive
from mobilekernels.engines import ENGINES, PEERS
from mobilekernels.progress import say

RESULTS = Path(__file__).parents[1] / "results"
NOTE = (
    "Batch 1. Weights are random (seed 0), batch norm settled on random images: the SQNR on the calibration "
    "images shows that an engine computes the network, and no more."
)
ENGINE_NAMES = tuple(engine.name for engine in (*ENGINES, *PEERS))
# Lowering to XNNPACK takes half a minute of a core each time: only to its best form.
QUICK_ENGINES = tuple(name for name in ENGINE_NAMES if name not in ("xnnpack-float", "xnnpack-same"))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.e2e", description=__doc__)
    parser.add_argument(
        "--networks",
        nargs="+",
        metavar="NAME",
        help=f"of torchvision, or module:function (default: {', '.join(NETWORKS)})",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=ENGINE_NAMES,
        metavar="NAME",
        help=f"default: {', '.join(ENGINE_NAMES)}",
    )
    parser.add_argument("--rounds", type=positive, help="timed rounds (20)")
    parser.add_argument(
        "--threads", type=positive, default=1, help="of every engine; 1 (default) is pinned to a CPU"
    )
    parser.add_argument("--size", type=positive, default=224, help="height and width of the images (224)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{' and '.join(QUICK_NETWORKS)}, 5 rounds, XNNPACK once: a look, not figures",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="a folder (bench/results)")
    options = parser.parse_args(arguments)
    options.networks = options.networks or (QUICK_NETWORKS if options.quick else NETWORKS)
    options.engines = options.engines or (QUICK_ENGINES if options.quick else ENGINE_NAMES)
    options.rounds = options.rounds or (5 if options.quick else 20)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    report = Report(this_machine(), options.threads, options.rounds, (), (NOTE,))
    for number, name in enumerate(options.networks, 1):
        say(f"[{number}/{len(options.networks)}] {name}")
        result = measure_network(name, options.engines, options.rounds, options.threads, options.size)
        report = replace(report, networks=(*report.networks, result))
        # After each: a run of the whole list takes many minutes.
        paths = report.write(options.output, "e2e")
    print(report.markdown())
    say(f"Written: {', '.join(map(str, paths))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`.pte` files, ours against XNNPACK's in one ExecuTorch program: latency, size, loading, memory."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.e2e.__main__ import RESULTS
from bench.export import report
from bench.export.files import files_of
from bench.export.measure import Result, measure
from mobilekernels.bench.machine import this_machine
from mobilekernels.cli.options import positive
from mobilekernels.devices.local import LocalDevice
from mobilekernels.devices.runner import MK_RUNNER, runner_for
from mobilekernels.progress import say

NETWORKS = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.export", description=__doc__)
    parser.add_argument(
        "--networks",
        nargs="+",
        metavar="NAME",
        default=NETWORKS,
        help=f"of torchvision, or module:function (default: {', '.join(NETWORKS)})",
    )
    parser.add_argument("--rounds", type=positive, default=15, help="processes of each side (15)")
    parser.add_argument("--size", type=positive, default=224, help="of the images (224)")
    parser.add_argument("--runner", type=Path, help="the mk_runner to use (the build's)")
    parser.add_argument(
        "--files", type=Path, metavar="DIR", help="keep the .pte files there, and take those that are there"
    )
    parser.add_argument("--only-write", action="store_true", help="write the files of --files and stop")
    parser.add_argument("--output", type=Path, default=RESULTS, help="a folder (bench/results)")
    options = parser.parse_args(arguments)
    if options.only_write and options.files is None:
        parser.error("--only-write: given without --files, accepted with it")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for name in options.networks:
            say(f"{name}: files")
            found.append(files_of(name, options.size, options.files or Path(scratch)))
        if options.only_write:
            return 0
        runner = runner_for(LocalDevice(), options.runner, MK_RUNNER)
        machine = this_machine()
        results: list[Result] = []
        for files in found:
            say(f"{files.network}: {options.rounds} rounds")
            results.append(measure(files, runner, options.rounds))
    page = report.text(results, machine)
    paths = report.write(results, machine, page, options.output)
    print(page)
    say(f"Written: {', '.join(map(str, paths))}")
    return 0 if all(result.same_bytes for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())

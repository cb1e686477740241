"""Layers and networks with zeros, ours and every peer; a part of `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.e2e.__main__ import NOTE, QUICK_ENGINES, RESULTS
from bench.micro import xnnpack_layer
from bench.micro.case import read_cases
from bench.sparse import report
from bench.sparse.layers import DENSE_PEERS, SHARES, LayerResult, measure_layer
from bench.sparse.networks import NETWORKS, QUICK_NETWORKS, measure_pruned
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.network_report import Report
from mobilekernels.cli.options import positive, sparse
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.progress import say

LAYERS = Path(__file__).parents[1] / "layers" / "sparse.txt"
# Lowering to XNNPACK takes long; on the layers of a quick run the others tell enough.
QUICK_PEERS = ("onnxruntime-int8", "onednn")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.sparse", description=__doc__)
    parser.add_argument("--layers", type=Path, default=LAYERS, help="a layer list (bench/layers/sparse.txt)")
    parser.add_argument("--networks", nargs="*", metavar="NAME", help=f"default: {', '.join(NETWORKS)}")
    parser.add_argument("--engines", nargs="+", metavar="NAME", help="of the networks (one of each kind)")
    parser.add_argument("--rounds", type=positive, help="timed rounds (30; of networks 20)")
    parser.add_argument("--zeros", type=float, default=0.8, help="share of zeros in networks (0.8)")
    parser.add_argument("--block", type=sparse, default=(4, 4), help="of zeros in networks: 4x4 or 1x4 (4x4)")
    parser.add_argument("--curves", help="break-even curves for convert, as `tune` writes them")
    parser.add_argument("--quick", action="store_true", help="three layers at 80 %%, one network, few rounds")
    parser.add_argument("--output", type=Path, default=RESULTS, help="a folder (bench/results)")
    options = parser.parse_args(arguments)
    if not isinstance(options.block, tuple):
        parser.error(f"--block: given {options.block!r}; accepted are 4x4, 1x4")
    if options.networks is None:
        options.networks = QUICK_NETWORKS if options.quick else NETWORKS
    options.engines = options.engines or QUICK_ENGINES
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    layers = _layers(options)
    paths = report.write(layers, this_machine(), options.output)
    print(report.text(layers, this_machine()))
    paths += _networks(options)
    say(f"Written: {', '.join(map(str, paths))}")
    return 0


def _layers(options: argparse.Namespace) -> list[LayerResult]:
    text = options.layers.read_text(encoding="utf-8")
    cases = read_cases(text)
    cases = cases[:: max(len(cases) // 3, 1)][:3] if options.quick else cases
    peers = QUICK_PEERS if options.quick else [engine.name for engine in DENSE_PEERS]
    try:
        if "xnnpack" in peers:
            xnnpack_layer.lower(text)
    except EngineAbsent as reason:
        say(str(reason))  # each layer says that it has no program
    rounds = options.rounds or (10 if options.quick else 30)
    shares = (0.8,) if options.quick else SHARES
    found = []
    for number, case in enumerate(cases, 1):
        say(f"[{number}/{len(cases)}] {case.name}")
        found.append(measure_layer(case, rounds, shares, peers))
    return found


def _networks(options: argparse.Namespace) -> list[Path]:
    rounds, block = options.rounds or (5 if options.quick else 20), options.block
    page = Report(this_machine(), 1, rounds, (), (NOTE,))
    paths: list[Path] = []
    for name in options.networks:
        say(f"{name}, pruned")
        found = measure_pruned(name, options.engines, rounds, options.zeros, block, curves=options.curves)
        page = replace(page, networks=(*page.networks, found.result), notes=(*page.notes, found.note))
        paths = page.write(options.output, "sparse_networks")
    if options.networks:
        print(page.markdown())
    return paths


if __name__ == "__main__":
    sys.exit(main())

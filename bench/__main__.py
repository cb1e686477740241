"""Layers and whole networks, ours and every peer: `make bench`. Writes bench/results/, README.md first."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.e2e.__main__ import RESULTS
from bench.index import write_index
from bench.micro import report
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.roofs import measure_roofs

_ROOT = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a few networks and layers, few rounds: a look, no figures"
    )
    parser.add_argument("--layers", type=Path, help="a layer list (bench/layers/yardstick.txt)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="a folder (bench/results)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    # Processes of their own: threads and settings of an engine stay where they were made.
    codes = [_micro(options), _e2e(options), _sparse(options)]
    if not options.quick:  # lowering to XNNPACK alone would take its three minutes
        codes.append(_export(options))
    print(f"{time.monotonic() - start:.0f} s; read {write_index(options.output)}")
    return max(codes)


def _micro(options: argparse.Namespace) -> int:
    path = options.output / "micro.json"
    command = ["pytest", "bench/micro", "-q", "-p", "no:warnings", "-p", "no:cacheprovider"]
    command += ["-o", "addopts=", f"--benchmark-json={path}", "--benchmark-quiet"]
    command += ["--first=5", "--layer-rounds=15"] if options.quick else []
    command += [f"--layers={options.layers}"] if options.layers else []
    machine, roofs = this_machine(), measure_roofs()
    code = subprocess.run([sys.executable, "-m", *command], cwd=_ROOT).returncode
    if code == 0:
        result = json.loads(path.read_text(encoding="utf-8"))
        result["mobilekernels"] = {"machine": asdict(machine), "roofs": asdict(roofs)}
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        report.write(result, roofs, machine.lines(), options.output)
    return code


def _e2e(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "bench.e2e", "--output", str(options.output)]
    return subprocess.run([*command, *(["--quick"] if options.quick else [])], cwd=_ROOT).returncode


def _sparse(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "bench.sparse", "--output", str(options.output)]
    return subprocess.run([*command, *(["--quick"] if options.quick else [])], cwd=_ROOT).returncode


def _export(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "bench.export", "--output", str(options.output)]
    return subprocess.run(command, cwd=_ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

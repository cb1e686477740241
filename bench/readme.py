"""The README's table of performance, from the JSON of a run: `python -m bench.readme`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.e2e.__main__ import RESULTS
from mobilekernels.bench import tables

README = Path(__file__).parents[1] / "README.md"
MARK = "performance"
# The table's columns; the other engines are in the suite's own report.
ENGINES = {
    "mobilekernels": "mobilekernels int8",
    "xnnpack": "XNNPACK int8",
    "onnxruntime-int8": "ONNX Runtime int8",
    "openvino-int8": "OpenVINO int8",
    "onednn": "PyTorch oneDNN int8",
    "torch-float": "PyTorch float32",
}
HEADER = ("network", *ENGINES.values(), "ours / best peer", "noise", "two threads")


def performance(run: Mapping[str, Any]) -> str:
    """The text between the marks."""
    machine = run["machine"]
    names = ("torch", "executorch", "onnxruntime", "openvino")
    versions = ", ".join(f"{name} {machine['versions'].get(name, '-')}" for name in names)
    caption = (
        f"Milliseconds of one call, batch 1, {run['threads']} thread, median of {run['rounds']} interleaved "
        f"rounds on {machine['cpu']} ({versions}; commit {machine['commit'] or 'unknown'}, "
        f"{machine['date'][:10]}). To repeat it: `make bench`, then `python -m bench.readme`. How it is "
        "measured, and how noise reads: [docs/benchmarks.md](docs/benchmarks.md)."
    )
    rows = [HEADER, *(_row(network) for network in run["networks"])]
    return f"{tables.markdown(rows)}\n{_wrap(caption)}\n"


def _row(network: Mapping[str, Any]) -> list[str]:
    results = {each["name"]: each for each in network["comparison"]["results"]}
    times = [_number(results.get(name, {}).get("median_ms")) for name in ENGINES]
    noise = network["noise"]
    return [
        network["network"],
        *times,
        _number(network["ours_over_best_peer"]),
        "-" if noise is None else f"{noise:.1%}",
        _number(network["speedups"].get("2"), " x"),
    ]


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.2f}{unit}"


def _wrap(text: str, width: int = 120) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.readme", description=__doc__)
    parser.add_argument(
        "run", nargs="?", type=Path, default=RESULTS / "e2e.json", help="bench/results/e2e.json"
    )
    parser.add_argument("--readme", type=Path, default=README, help="the file with the marks (README.md)")
    options = parser.parse_args(arguments)
    if not options.run.is_file():
        parser.error(f"run: given {options.run}, which is no file: `make bench` writes it")
    text = performance(json.loads(options.run.read_text(encoding="utf-8")))
    tables.write(options.readme, MARK, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

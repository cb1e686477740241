"""``bench MODEL.pte``: an exported file in ExecuTorch, on this machine, boards and phones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobilekernels.cli import exits, output
from mobilekernels.cli.exits import UsageError

if TYPE_CHECKING:
    from mobilekernels.bench.file_on_device import FileRun

_HEADER = ("device", "threads", "median ms", "90 % ms", "load ms", "peak MiB", "same bytes", "note")
_EMULATED = "emulated: bytes checked, time not reported"


def run_file(args: argparse.Namespace) -> tuple[int, Any]:
    """The runs as JSON, or a table; 1 where a device gave other bytes though all is ours."""
    from mobilekernels.export.inspect import read

    model = Path(args.model)
    _check(args, model)
    contents = read(model)
    all_ours = set(contents.counts()) <= {"ours"}
    reference, *runs = _run_all(args, model, contents.batch == "dynamic")
    shown = [_dict(run, run.output == reference.output) for run in runs]
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        (args.output / f"{model.stem}.pte.json").write_text(
            json.dumps(shown, indent=1) + "\n", encoding="utf-8"
        )
    same = all(each["same_bytes"] for each in shown)
    if not same:
        why = "" if all_ours else ", as operators that are not ours may round differently"
        print(
            f"{'error' if all_ours else 'note'}: a device gave other bytes than this machine{why}",
            file=sys.stderr,
        )
    code = exits.FAILED if all_ours and not same else exits.OK
    if args.json:
        return code, {"runs": shown}
    rows = [_cells(run, each["same_bytes"]) for run, each in zip(runs, shown, strict=True)]
    output.print_table(_HEADER, rows, numeric=range(1, 6), title=f"{model.name}, input {_shapes(reference)}")
    return code, None


def _dict(run: FileRun, same: bool) -> dict[str, Any]:
    return {"device": run.device, "emulated": run.emulated, "same_bytes": same, **run.measured}


def _check(args: argparse.Namespace, model: Path) -> None:
    if not model.is_file():
        raise UsageError(f"model: given {args.model!r}, which is no file")
    given = {
        "--engines": args.engines,
        "--save-layers": args.save_layers,
        "--pin": args.pin != "none",
        "--isa": args.isa,
        "--cold-weights": args.cold_weights,
        "--sparse": args.sparse != "auto",
        "--curves": args.curves,
        "--target": args.target,
    }
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise UsageError(f"{', '.join(wrong)}: given with a .pte file, which mk_runner runs as it is")


def _run_all(args: argparse.Namespace, model: Path, free_batch: bool) -> list[FileRun]:
    """First this machine's output, to compare with, then a run a device."""
    from mobilekernels.bench.file_on_device import FileSettings, run_file_on
    from mobilekernels.cli.bench import open_devices
    from mobilekernels.devices.local import LocalDevice
    from mobilekernels.progress import say

    devices = open_devices(args)
    settings = FileSettings(args.threads, args.rounds, args.warmup, timeout=args.timeout)
    once = replace(settings, timed=False)
    say("local: bytes to compare with")
    planned = run_file_on(LocalDevice(), model, [], once).measured["inputs"]
    inputs = _inputs(planned, args.input_shape, free_batch)
    runs = [run_file_on(LocalDevice(), model, inputs, once)]
    for device in devices:
        say(f"{device.name}: {model.name}")
        runs.append(run_file_on(device, model, inputs, once if device.emulated else settings, args.runner))
    return runs


def _inputs(
    planned: Sequence[dict[str, Any]], shapes: Sequence[tuple[int, ...]] | None, free_batch: bool
) -> list[np.ndarray]:
    """Random ones, the same everywhere; of a free batch one image."""
    if shapes is not None and len(shapes) != len(planned):
        raise UsageError(
            f"--input-shape: given {len(shapes)} times, accepted {len(planned)}, the file's inputs"
        )
    wrong = [each["dtype"] for each in planned if each["dtype"] != "float32"]
    if wrong:
        raise UsageError(f"model: given a file with inputs of type {', '.join(wrong)}, accepted float32")
    own = [tuple(each["shape"]) for each in planned]
    own = [(1, *shape[1:]) if free_batch else shape for shape in own]
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape, np.float32) for shape in shapes or own]


def _cells(run: FileRun, same: bool) -> tuple[str, ...]:
    told = run.measured
    device = f"{run.device} ({run.label})" if run.label else run.device
    bytes_cell = "yes" if same else "NO"
    if run.emulated:
        return (device, str(told["threads"]), "-", "-", "-", "-", bytes_cell, _EMULATED)
    latency = told["latency_us"]
    times = [f"{latency[which] / 1e3:.3f}" for which in ("p50", "p90")]
    peak = f"{told['peak_memory_bytes'] / (1 << 20):.1f}"
    return (device, str(told["threads"]), *times, f"{told['load_ms']:.2f}", peak, bytes_cell, "")


def _shapes(run: FileRun) -> str:
    return ", ".join("x".join(map(str, each["shape"])) for each in run.measured["inputs"])

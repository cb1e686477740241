"""``bench``: a network on every engine installed here, or its layers on boards and phones, side by side."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilekernels.cli import exits, options, output
from mobilekernels.cli.exits import UsageError
from mobilekernels.models import FORMS

if TYPE_CHECKING:
    from mobilekernels.bench.on_device import Settings
    from mobilekernels.bench.run import Run
    from mobilekernels.devices.base import Device

HELP = "time a network on every engine here, or its layers or .pte file here, on a board or phone"

EVERY = (*options.ENGINES, *options.PEERS)
_RANDOM = "Calibrated on random inputs: the SQNR shows that an engine computes the network, and no more."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help=f"{FORMS}; or an exported .pte file")
    parser.add_argument("--layers", type=Path, metavar="FILE", help="a layer list instead of a model")
    parser.add_argument("--input-shape", action="append", type=options.shape, metavar="N,C,H,W")
    parser.add_argument("--save-layers", type=Path, metavar="FILE", help="write the model's layer list too")
    parser.add_argument(
        "--engines",
        type=options.engine_names,
        metavar="NAMES",
        help=f"those to run the model on, with commas between: {', '.join(EVERY)} (all that are installed)",
    )
    device = parser.add_argument_group("devices: layers, or a .pte file, instead of engines")
    device.add_argument(
        "--device",
        action="append",
        metavar="DEVICE",
        help="local (default for --layers), qemu:CPU, ssh:[USER@]HOST[:PORT], adb[:SERIAL]; may be given "
        "several times",
    )
    device.add_argument(
        "--ssh-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="for ssh -o, such as IdentityFile=~/.ssh/board",
    )
    device.add_argument(
        "--device-folder", metavar="PATH", help="where files may lie there for the time of the run"
    )
    device.add_argument(
        "--runner",
        type=Path,
        metavar="FILE",
        help="the mk_bench to run there, of a .pte file the mk_runner (the build's)",
    )
    device.add_argument(
        "--timeout", type=options.positive, default=600, metavar="SECONDS", help="of a run (600)"
    )
    options.add_timing(parser)
    parser.add_argument("--warmup", type=int, default=3, metavar="N", help="rounds before the timed ones (3)")
    parser.add_argument(
        "--pin", default="none", metavar="WHERE", help="none, big, little, or CPUs such as 0-3,6 (none)"
    )
    parser.add_argument("--isa", default="", metavar="NAME", help="no better instruction set than this")
    parser.add_argument(
        "--cold-weights", action="store_true", help="weights leave the caches before each timed call"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write tables, JSON and a plot there; runs on devices are kept, and earlier ones of the folder "
        "stand in the same report (report.html)",
    )
    options.add_sparsity(parser)
    options.add_json(parser)
    parser.epilog = (
        "examples:\n"
        "  python -m mobilekernels bench torchvision:mobilenet_v2 --output figures\n"
        "  python -m mobilekernels bench torchvision:mobilenet_v2 --device local --device adb --pin big\n"
        "  python -m mobilekernels bench --layers bench/layers/resnet50.txt --device ssh:pi@board\n"
        "  python -m mobilekernels bench --layers bench/layers/yardstick.txt --device qemu:cortex-a53\n"
        "  python -m mobilekernels bench model.pte --device local --device ssh:pi@board\n\n"
        "Emulated cores (qemu) are checked for equal bytes; their time means nothing and is not reported."
    )


def run(args: argparse.Namespace) -> tuple[int, Any]:
    """Engines side by side where a model is named alone, else its layers on devices; a .pte file as it is."""
    if (args.model is None) == (args.layers is None):
        raise UsageError("give a MODEL or --layers FILE, one of them")
    if args.model is not None and args.model.endswith(".pte"):
        from mobilekernels.cli.bench_file import run_file

        return run_file(args)
    if args.layers or args.device or args.save_layers:
        if args.engines:
            raise UsageError("--engines: given with --device or --layers, which run our kernels alone")
        return _run_layers(args)
    return _run_engines(args)


def _run_engines(args: argparse.Namespace) -> tuple[int, Any]:
    from dataclasses import replace

    from torch.fx import GraphModule

    from mobilekernels.bench.machine import this_machine
    from mobilekernels.bench.network import Network, measure
    from mobilekernels.bench.network_report import Report
    from mobilekernels.cli import pipeline

    report = Report(this_machine(), args.threads, args.rounds, (), (_RANDOM,))
    if pipeline.is_quantized(pipeline.named_model(args.model).module):
        raise UsageError(
            f"{args.model}: engines start from a float model, and this one is quantized already; "
            "--device local times its layers"
        )
    made = pipeline.run_pipeline(args, loud=False)
    assert made.float_module is not None
    assert isinstance(made.quantized, GraphModule)
    network = Network(
        args.model,
        made.float_module,
        made.quantized,
        made.converted,
        len(made.report.stock),
        made.calibration,
    )
    result = measure(network, args.engines or EVERY, args.rounds, args.threads)
    report = replace(report, networks=(result,))
    paths = report.write(args.output, "engines") if args.output else []
    if args.json:
        return exits.OK, report.to_dict()
    print(report.markdown())
    if paths:
        print(f"written: {', '.join(map(str, paths))}")
    return exits.OK, None


def _run_layers(args: argparse.Namespace) -> tuple[int, Any]:
    """The runs as JSON, or tables; 1 where a device gave other bytes than this machine."""
    from mobilekernels.bench import report
    from mobilekernels.bench.run import load_all, save

    devices = open_devices(args)
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        source, layers = _layer_list(args, Path(folder))
        for each in _run_all(devices, source, layers, args):
            runs.append(each)
            if args.output:  # at once: a device that fails must not take the others' runs with it
                save(each, args.output)
    shown = load_all(args.output) if args.output else runs
    if args.output:
        (args.output / "report.html").write_text(report.page(shown), encoding="utf-8")
    code = exits.OK if all(layer.same_bytes for each in runs for layer in each.layers) else exits.FAILED
    if code != exits.OK:
        print("error: a device gave other bytes than this machine", file=sys.stderr)
    if args.json:
        return code, {"runs": [each.to_dict() for each in shown]}
    for table in report.tables(shown):
        output.print_table(table.header, table.rows, numeric=table.numeric, title=table.title)
        print()
    if args.output:
        print(f"report: {args.output / 'report.html'}")
    return code, None


def open_devices(args: argparse.Namespace) -> list[Device]:
    """Those of --device; this machine where there is none."""
    from mobilekernels.devices.open import open_device

    try:
        return [open_device(name, args.ssh_option, args.device_folder) for name in args.device or ["local"]]
    except ValueError as error:
        raise UsageError(str(error)) from error


def _run_all(devices: list[Device], source: str, layers: Path, args: argparse.Namespace) -> Iterator[Run]:
    from datetime import UTC, datetime

    from mobilekernels import __version__
    from mobilekernels.bench.on_device import Settings, run_on
    from mobilekernels.bench.run import Run
    from mobilekernels.devices.local import LocalDevice
    from mobilekernels.progress import say

    say("local: bytes to compare with")
    expected = run_on(LocalDevice(), layers, Settings(timed=False, timeout=args.timeout))
    reference = tuple(layer["checksum"] for layer in expected["layers"])
    for device in devices:
        say(f"{device.name}: {source}")
        measured = run_on(device, layers, _settings(args, timed=not device.emulated), args.runner)
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        label = device.describe()
        yield Run(date, source, device.name, label, device.emulated, __version__, reference, measured)


def _settings(args: argparse.Namespace, timed: bool) -> Settings:
    from mobilekernels.bench.on_device import Settings

    return Settings(
        args.threads, args.rounds, args.warmup, args.pin, args.isa, args.cold_weights, timed, args.timeout
    )


def _layer_list(args: argparse.Namespace, folder: Path) -> tuple[str, Path]:
    """What is measured by name, and the list as a file."""
    if args.layers is not None:
        if not args.layers.is_file():
            raise UsageError(f"--layers: given {args.layers}, which is no file")
        return args.layers.stem, args.layers
    path = folder / "layers.txt"
    path.write_text(_list_of_model(args), encoding="utf-8")
    if args.save_layers is not None:
        args.save_layers.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return args.model, path


def _list_of_model(args: argparse.Namespace) -> str:
    from torch.fx import GraphModule

    from mobilekernels.bench.layers import layers_of
    from mobilekernels.cli import data, pipeline
    from mobilekernels.converted import ConvertedModel

    if args.model.endswith(".pt2"):
        model = pipeline.named_model(args.model)
        if pipeline.is_converted(model.module):
            assert isinstance(model.module, GraphModule)
            return layers_of(model.module, data.example_inputs(model, args.input_shape)).text(args.model)
    made = pipeline.run_pipeline(args, loud=False)
    assert isinstance(made.converted, ConvertedModel)
    return layers_of(made.converted.graph_module, made.example).text(args.model)

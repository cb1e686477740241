"""``python -m mobilekernels bench``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mobilekernels.bench import on_device
from mobilekernels.bench.layers import parse
from mobilekernels.bench.on_device import Settings
from mobilekernels.cli.main import main
from mobilekernels.devices.base import Device
from tests.devices import needs

ALL_OPS = Path(__file__).parents[1] / "bench" / "layers.txt"
COUNT = len(parse(ALL_OPS.read_text()))
NETS = """
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Softmax(1)), torch.randn(1, 3, 8, 8)
"""

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _runner() -> None:
    needs.local()


def test_runs_gather_in_one_report(tmp_path: Path, capsys: Output) -> None:
    """Two calls, as on two days: a timed run here, then an emulated one."""
    needs.emulated("cortex-a53")
    folder = tmp_path / "runs"
    arguments = ["bench", "--layers", str(ALL_OPS), "--output", str(folder)]
    assert main([*arguments, "--rounds", "2", "--warmup", "0", "--pin", "big"]) == 0
    assert main([*arguments, "--device", "qemu:cortex-a53"]) == 0
    shown = capsys.readouterr().out
    assert "#1 local" in shown
    assert "#2 qemu:cortex-a53" in shown
    assert "emulated: bytes checked, time not reported" in shown
    assert len(list(folder.glob("*.json"))) == 2
    page = (folder / "report.html").read_text()
    assert "#2 qemu:cortex-a53" in page
    assert f"{COUNT} of {COUNT}" in page


def test_a_device_that_fails_does_not_take_the_other_runs_with_it(tmp_path: Path, capsys: Output) -> None:
    needs.program("ssh", "openssh-client")
    devices = ["--device", "local", "--device", "ssh:127.0.0.1:1"]
    arguments = ["--layers", str(ALL_OPS), "--rounds", "1", "--output", str(tmp_path)]
    assert main(["bench", *arguments, *devices]) == 1
    assert "error: DeviceError: ssh:127.0.0.1:1: uname: failed with exit code 255" in capsys.readouterr().err
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_json(capsys: Output) -> None:
    needs.emulated("cortex-a53")
    devices = ["--device", "local", "--device", "qemu:cortex-a53"]
    assert (
        main(["bench", "--layers", str(ALL_OPS), "--rounds", "2", "--threads", "2", "--json", *devices]) == 0
    )
    here, emulated = json.loads(capsys.readouterr().out)["runs"]
    assert (here["device"], emulated["device"]) == ("local", "qemu:cortex-a53")
    assert here["measured"]["rounds"] == 2
    assert here["measured"]["threads"] == emulated["measured"]["threads"] == 2
    assert here["source"] == "layers"
    assert "_ns" not in json.dumps(emulated)
    assert [layer["checksum"] for layer in emulated["measured"]["layers"]] == here["reference"]


def test_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    (tmp_path / "benched_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    saved = tmp_path / "small.txt"
    assert (
        main(
            ["bench", "benched_nets:small", "--device", "local", "--rounds", "2", "--save-layers", str(saved)]
        )
        == 0
    )
    assert "benched_nets:small: layers" in capsys.readouterr().out
    lines = saved.read_text().splitlines()
    assert lines[1] == "# PyTorch's own between them, not in the list: softmax x1"
    assert [line.partition(": ")[2] for line in lines[2:]] == [
        "quantize_nhwc channels=3 image=8x8",
        "conv2d in=3 out=8 kernel=3x3 image=8x8",
        "dequantize_nchw channels=8 image=6x6",
    ]


def test_engines_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    (tmp_path / "side_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "figures"
    command = ["bench", "side_nets:small", "--engines", "mobilekernels,torch-float", "--rounds", "2"]
    assert main([*command, "--output", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "| mobilekernels int8 |" in shown
    assert "| PyTorch float32 |" in shown
    assert "1 operators on stock ones" in shown
    assert (folder / "engines.md").read_text().strip() in shown
    found = json.loads((folder / "engines.json").read_text())
    assert [r["name"] for r in found["networks"][0]["comparison"]["results"]] == [
        "mobilekernels",
        "torch-float",
    ]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == found["format"]


def test_engines_need_a_float_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    (tmp_path / "quantized_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    model = str(tmp_path / "small.pt2")
    assert main(["convert", "quantized_nets:small", "-o", model]) == 0
    assert main(["bench", model]) == 2
    assert "engines start from a float model" in capsys.readouterr().err


def test_a_saved_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    (tmp_path / "saved_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    model = str(tmp_path / "small.pt2")
    assert main(["convert", "saved_nets:small", "-o", model]) == 0
    assert main(["bench", model, "--device", "local", "--rounds", "2", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out.partition("saved: ")[2].partition("\n")[2])["runs"]
    assert [layer["op"] for layer in run["measured"]["layers"]] == [
        "quantize_nhwc",
        "conv2d",
        "dequantize_nchw",
    ]


def test_other_bytes_fail(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    honest = on_device.run_on

    def lying(device: Device, layers: Path, settings: Settings, *runner: Any) -> Mapping[str, Any]:
        found = dict(honest(device, layers, settings, *runner))
        if settings.timed:
            found["layers"][3]["checksum"] = "0"
        return found

    monkeypatch.setattr(on_device, "run_on", lying)
    assert main(["bench", "--layers", str(ALL_OPS), "--rounds", "2"]) == 1
    output = capsys.readouterr()
    assert "OTHER BYTES" in output.out
    assert f"{COUNT - 1} of {COUNT}" in output.out
    assert "error: a device gave other bytes than this machine" in output.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give a MODEL or --layers FILE, one of them"),
        (["m:f", "--layers", "x"], 2, "give a MODEL or --layers FILE, one of them"),
        (["m:f", "--device", "local", "--engines", "xnnpack"], 2, "--engines: given with --device"),
        (["--layers", "nowhere.txt"], 2, "--layers: given nowhere.txt, which is no file"),
        (
            ["--layers", str(ALL_OPS), "--device", "phone"],
            2,
            "device: given 'phone', accepted local, qemu:CPU",
        ),
        (["torchvision:no_such_net"], 2, "no_such_net"),
        (["--layers", str(ALL_OPS), "--pin", "4096"], 1, "--pin: given '4096'"),
        (["--layers", str(ALL_OPS), "--isa", "mmx"], 1, "given 'mmx', accepted scalar"),
        (["--layers", str(ALL_OPS), "--runner", str(ALL_OPS)], 1, "which is no program for"),
    ],
)
def test_mistakes_are_named(arguments: list[str], code: int, message: str, capsys: Output) -> None:
    assert main(["bench", *arguments]) == code
    assert message in capsys.readouterr().err

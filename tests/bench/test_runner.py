"""The benchmark runner, mk_bench: its checksums, its modes, its messages."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import mobilekernels as mk
from mobilekernels.bench.layers import parse
from mobilekernels.devices.runner import runner_for
from tests.devices import needs

LAYERS = Path(__file__).with_name("layers.txt")
LISTS = Path(__file__).parents[2] / "bench" / "layers"
CHECKSUMS = dict(line.split() for line in Path(__file__).with_name("checksums.txt").read_text().splitlines())


def start(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [needs.local_runner(), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def result(*arguments: object) -> dict[str, Any]:
    done = start(*arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "isa", [kernel.isa for kernel in mk.kernels() if kernel.family == "gemm" and kernel.runnable]
)
@pytest.mark.parametrize("threads", [1, 3])
def test_checksums_are_the_recorded_ones(isa: str, threads: int) -> None:
    """Inputs, weights and results of a layer never change: runs of other days and devices stay comparable."""
    found = result(LAYERS, "--check", "--isa", isa, "--threads", threads)
    assert {layer["name"]: layer["checksum"] for layer in found["layers"]} == CHECKSUMS
    assert {layer["isa"] for layer in found["layers"]} == {isa, "none"}
    assert found["isa_cap"] == isa


def random_integers(seed: int) -> Iterator[int]:
    state = (seed * 0x9E3779B97F4A7C15 + 1) % 2**64
    while True:
        state ^= state >> 12
        state ^= state << 25 & (2**64 - 1)
        state ^= state >> 27
        yield (state * 0x2545F4914F6CDD1D) % 2**64 >> 33


def drawn(seed: int, count: int, least: int, most: int) -> list[int]:
    numbers = random_integers(seed)
    return [least + next(numbers) % (most - least + 1) for _ in range(count)]


def fnv1a(data: bytes) -> str:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def test_the_checksum_is_that_of_the_operator_of_the_package() -> None:
    """linear with rows=3 in=37 out=21, from the same numbers, made here in Python and run through torch."""
    rows, k, out = 3, 37, 21
    x = torch.tensor(drawn(1, rows * k, -128, 127), dtype=torch.int8).reshape(rows, k)
    weight = torch.tensor(drawn(2, out * k, -127, 127), dtype=torch.int8).reshape(out, k)
    numbers = random_integers(3)
    bias, scale = [], []  # both in units of the output
    for _ in range(out):
        code = next(numbers) % 40001 - 20000
        scale.append(40 / (73 * 73 * k**0.5) * (1 + next(numbers) % 16 / 16))
        bias.append(code * scale[-1])
    tensors = (torch.tensor(values, dtype=torch.float64) for values in (bias, scale))
    packed = mk.packing.pack_linear(weight, *tensors, 1.0, 3, 1.0)
    y = mk.ops.linear(x, packed, out, 3, -5)
    assert fnv1a(y.numpy().tobytes()) == CHECKSUMS["linear"]


def test_times_and_their_order() -> None:
    found = result(LAYERS, "--rounds", 5, "--warmup", 1, "--pin", "big", "--cold-weights")
    assert found["timed"]
    assert found["rounds"] == 5
    assert found["cold_weights"]
    assert found["pinned_cpus"]
    assert len(found["round_ns"]) == 5
    for layer in found["layers"]:
        assert 0 < layer["min_ns"] <= layer["lower_ns"] <= layer["median_ns"] <= layer["upper_ns"]
    assert found["total_ns"] == pytest.approx(sum(layer["median_ns"] for layer in found["layers"]), rel=1e-6)
    linear = next(layer for layer in found["layers"] if layer["name"] == "linear")
    assert (linear["op"], linear["macs"], linear["input_bytes"], linear["output_bytes"]) == (
        "linear",
        2331,
        111,
        63,
    )


@pytest.mark.parametrize("mode", ["--check", "--mark"])
def test_without_timing_there_are_no_times(mode: str) -> None:
    done = start(LAYERS, mode, "--json", "-")
    assert done.returncode == 0
    assert "_ns" not in done.stdout


def test_the_table() -> None:
    done = start(LAYERS, "--rounds", 2)
    lines = done.stdout.splitlines()
    columns = ["layer", "op", "isa", "MMAC", "checksum", "median", "us", "GMAC/s", "weights", "GB/s"]
    assert lines[0].split() == columns
    assert [line.split()[0] for line in lines[1:-1]] == [layer.name for layer in parse(LAYERS.read_text())]
    assert re.fullmatch(r"total of medians: \d+\.\d{3} ms", lines[-1])


def test_markers_stand_around_one_run_of_each_layer() -> None:
    runner = runner_for(needs.emulated("cortex-a53"))
    command = ["qemu-aarch64", "-strace", "-cpu", "cortex-a53", str(runner), str(LAYERS), "--mark"]
    trace = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    sections = [int(section, 0) for section in re.findall(r"getpriority\(0x6d6b,(\w+)\)", trace)]
    assert sections == [section for number in range(1, len(CHECKSUMS) + 1) for section in (number, 0)]


@pytest.mark.parametrize("path", sorted(LISTS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_lists_of_real_networks_run(path: Path) -> None:
    found = result(path, "--check")
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in parse(path.read_text())]


CONV = "a: conv2d in=4 out=4 kernel=3x3 image=5x5 "


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a conv2d", "given 'a conv2d', accepted a line such as"),
        ("a: conv3d x=1", "op: given 'conv3d', accepted conv2d, "),
        ("a: conv2d in=4 out=4 image=5x5", "conv2d: key 'kernel' is missing"),
        ("a: conv2d in=4 out=4 kernel=3 image=5x5", "conv2d: kernel: given '3', accepted HxW, such as 3x3"),
        ("a: conv2d in=4 out=4 kernel=0x3 image=5x5", "conv2d: kernel: given '0x3'"),
        ("a: conv2d in=4 out=4 kernel=3x3x image=5x5", "conv2d: kernel: given '3x3x'"),
        ("a: conv2d in=-4 out=4 kernel=3x3 image=5x5", "conv2d: in: given '-4', accepted an integer"),
        ("a: conv2d in=4 out=4 kernel=7x7 image=5x5", "x: given an image of (5, 5)"),
        (CONV + "pad=1x1x1", "conv2d: pad: given '1x1x1', accepted HxW or TOPxBOTTOMxLEFTxRIGHT"),
        (CONV + "block=4x8", "conv2d: block: given '4x8', accepted 4x4 or 1x4"),
        (CONV + "block=4x4 zeros=101", "conv2d: zeros: given '101', accepted 0 to 100 percent, with a block"),
        (CONV + "zeros=50", "conv2d: zeros: given '50', accepted 0 to 100 percent, with a block"),
        (CONV + "groups=3", "conv2d: groups: given '3', accepted a divisor"),
        (CONV + "strides=2x2", "conv2d: key 'strides' is not one of its keys: batch, block, dilation, "),
        (CONV + "stride", "given 'stride', accepted key=value"),
        (CONV + "in=4", "given 'in=4', accepted each key once"),
        ("a: linear rows=1 in=16777216 out=16777216", "linear: a tensor of more than 2^31 values"),
        ("a: add a=1x2 b=1x3", "given shape [1, 3], accepted a shape that broadcasts"),
        ("a: channel_shuffle outer=3 channels=5 groups=2", "groups: given 2, accepted a divisor"),
        (
            "a: slice_channels outer=3 channels=5 start=2 end=2",
            "end: given '2', accepted start < end <= channels",
        ),
        ("# nothing", "no layer in it"),
    ],
)
def test_bad_lists_are_told_by_line_and_key(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"# a comment\n\n{line}\n")
    done = start(path, "--check")
    assert done.returncode == 2
    assert done.stderr.startswith(f"mk_bench: {path}" + ("" if line.startswith("#") else ":3: "))
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "LAYERS.txt: no layer list was given"),
        (["nowhere.txt"], "nowhere.txt: the layer list cannot be read"),
        ([LAYERS, "--rounds", "0"], "--rounds: given '0', accepted an integer from 1 on"),
        ([LAYERS, "--threads", "two"], "--threads: given 'two', accepted an integer from 1 on"),
        ([LAYERS, "--threads"], "--threads: its value is missing"),
        ([LAYERS, "--fast"], "option '--fast' is not known"),
        ([LAYERS, "--isa", "mmx"], "given 'mmx', accepted scalar, "),
        ([LAYERS, "--pin", "4096"], "--pin: given '4096', accepted none, big, little or CPUs"),
        ([LAYERS, "--pin", "0-"], "--pin: given '0-'"),
        ([LAYERS, "--pin", ""], "--pin: given ''"),
    ],
)
def test_bad_options_are_named(arguments: list[object], message: str) -> None:
    done = start(*arguments)
    assert done.returncode == 2
    assert message in done.stderr

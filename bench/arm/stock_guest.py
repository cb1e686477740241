"""Runs stock operators between markers, inside an emulated aarch64 Python: stock.py starts it there.

Argument: a JSON file with {"calls": [{engine, op, and the layer's sizes}, ...]}. Section `index` is one run
of calls[index - 1], after a warm-up. The last line printed is JSON: torch's version and the memory map.
"""

import ctypes
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

MARKER = 0x6D6B
SCALE, ZERO_POINT = 0.05, 120


def quantized_weight(shape: tuple[int, ...]) -> Tensor:
    """Per output channel, as ours are."""
    channels = shape[0]
    scales = torch.full((channels,), 0.01, dtype=torch.double)
    points = torch.zeros(channels, dtype=torch.long)
    return torch.quantize_per_channel(torch.randn(shape), scales, points, 0, torch.qint8)


def weight_shape(call: dict[str, Any]) -> tuple[int, ...]:
    return (call["out"], call["in"] // call["groups"], *call["kernel"])


def image(call: dict[str, Any]) -> Tensor:
    return torch.randn(1, call["in"], *call["image"]).contiguous(memory_format=torch.channels_last)


def qnnpack_conv2d(call: dict[str, Any]) -> Callable[[], Tensor]:
    weight, bias = quantized_weight(weight_shape(call)), torch.randn(call["out"])
    window = (call["stride"], call["pad"], call["dilation"], call["groups"])
    packed = torch.ops.quantized.conv2d_prepack(weight, bias, *window)
    x = torch.quantize_per_tensor(image(call), SCALE, ZERO_POINT, torch.quint8)
    return lambda: torch.ops.quantized.conv2d(x, packed, 1.0, ZERO_POINT)


def qnnpack_linear(call: dict[str, Any]) -> Callable[[], Tensor]:
    weight, bias = quantized_weight((call["out"], call["in"])), torch.randn(call["out"])
    packed = torch.ops.quantized.linear_prepack(weight, bias)
    x = torch.quantize_per_tensor(torch.randn(call["rows"], call["in"]), SCALE, ZERO_POINT, torch.quint8)
    return lambda: torch.ops.quantized.linear(x, packed, 1.0, ZERO_POINT)


def xnnpack_conv2d(call: dict[str, Any]) -> Callable[[], Tensor]:
    weight, bias = torch.randn(weight_shape(call)), torch.randn(call["out"])
    window = (call["stride"], call["pad"], call["dilation"], call["groups"])
    packed = torch.ops.prepacked.conv2d_clamp_prepack(weight, bias, *window, 0.0, 6.0)
    x = image(call)
    return lambda: torch.ops.prepacked.conv2d_clamp_run(x, packed)


def xnnpack_linear(call: dict[str, Any]) -> Callable[[], Tensor]:
    packed = torch.ops.prepacked.linear_clamp_prepack(
        torch.randn(call["out"], call["in"]), torch.randn(call["out"])
    )
    x = torch.randn(call["rows"], call["in"])
    return lambda: torch.ops.prepacked.linear_clamp_run(x, packed)


CALLS = {
    ("QNNPACK int8", "conv2d"): qnnpack_conv2d,
    ("QNNPACK int8", "linear"): qnnpack_linear,
    ("XNNPACK float", "conv2d"): xnnpack_conv2d,
    ("XNNPACK float", "linear"): xnnpack_linear,
}


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.backends.quantized.engine = "qnnpack"
    libc = ctypes.CDLL(None)
    with torch.no_grad():
        for index, call in enumerate(json.loads(Path(sys.argv[1]).read_text())["calls"], 1):
            run = CALLS[call["engine"], call["op"]](call)
            run()
            libc.getpriority(MARKER, index)
            run()
            libc.getpriority(MARKER, 0)
    print(json.dumps({"torch": torch.__version__, "maps": Path("/proc/self/maps").read_text()}))


if __name__ == "__main__":
    main()

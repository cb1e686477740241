"""One valid call of every op, by argument name: small, for tracing tests, and to be spoilt by error tests."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mobilekernels import packing

Arguments = dict[str, Any]

# Arguments whose first dimension is the batch; all else keeps its shape.
BATCHED = ("x", "a", "b", "residual", "xs")

CHANNELS = 6
OUT_CHANNELS = 20
_WINDOW = {"kernel_size": [3, 3], "stride": [2, 1], "padding": [1, 0, 1, 2], "dilation": [1, 1]}
_CODES = {"out_zero_point": 5, "out_min": -100, "out_max": 120}


def int8(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-128, 128, shape, generator=generator, dtype=torch.int8)


def packed_conv2d(out_scale: float = 0.05, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randint(-127, 128, (OUT_CHANNELS, CHANNELS, 3, 3), generator=generator, dtype=torch.int8)
    bias = torch.randn(OUT_CHANNELS, generator=generator)
    scale = torch.rand(OUT_CHANNELS, generator=generator) * 0.01 + 0.001
    return packing.pack_conv2d(weight, bias, scale, 0.02, 3, out_scale)


def packed_linear(out_scale: float = 0.05) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    weight = torch.randint(-127, 128, (OUT_CHANNELS, CHANNELS), generator=generator, dtype=torch.int8)
    return packing.pack_linear(weight, None, 0.01, 0.02, 3, out_scale)


def packed_linear_dynamic() -> Tensor:
    generator = torch.Generator().manual_seed(10)
    weight = torch.randint(-127, 128, (OUT_CHANNELS, CHANNELS), generator=generator, dtype=torch.int8)
    return packing.pack_linear_dynamic(weight, torch.rand(OUT_CHANNELS, generator=generator) * 0.01 + 0.001)


def float32(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _half_zeros(*shape: int) -> Tensor:
    """A weight whose second half of output channels has the first half's input channels alone."""
    weight = float32(*shape, seed=8)
    weight[OUT_CHANNELS // 2 :, 4:] = 0
    return weight


def packed_conv2d_f32() -> Tensor:
    return packing.pack_conv2d_f32(_half_zeros(OUT_CHANNELS, CHANNELS, 3, 3), float32(OUT_CHANNELS, seed=9))


def packed_linear_f32() -> Tensor:
    return packing.pack_linear_f32(_half_zeros(OUT_CHANNELS, CHANNELS), None, block=(1, 4))


def _image(batch: int) -> Tensor:
    return int8(batch, 9, 8, CHANNELS)


def _convolution(batch: int, out_scale: float) -> Arguments:
    packed = packed_conv2d(out_scale)
    shared = {"x": _image(batch), "packed": packed, "out_channels": OUT_CHANNELS}
    return {**shared, **_WINDOW, "groups": 1, "x_zero_point": 3}


def _binary(batch: int) -> Arguments:
    scales = {"a_scale": 0.1, "a_zero_point": 3, "b_scale": 0.2, "b_zero_point": -7, "out_scale": 0.3}
    return {"a": _image(batch), "b": int8(batch, 1, 1, CHANNELS, seed=3), **scales, **_CODES}


def samples(batch: int = 2) -> dict[str, Arguments]:
    """Op -> its arguments in the order of the schema."""
    average = {"x_scale": 0.1, "x_zero_point": 3, "out_scale": 0.08, **_CODES}
    residual = {
        "conv_scale": 0.05,
        "conv_zero_point": -3,
        "conv_min": -128,
        "conv_max": 127,
        "residual_scale": 0.04,
        "residual_zero_point": 9,
        "out_scale": 0.06,
    }
    quantization = {"scale": 0.1, "zero_point": -4}
    image = torch.linspace(-14, 14, batch * CHANNELS * 9 * 8)
    convolution = _convolution(batch, 0.05)
    return {
        "quantize": {"x": image.reshape(batch, CHANNELS * 9 * 8), **quantization},
        "quantize_nhwc": {"x": image.reshape(batch, CHANNELS, 9, 8), **quantization},
        "dequantize": {"x": _image(batch), **quantization},
        "dequantize_nchw": {"x": _image(batch), **quantization},
        "lut": {"x": _image(batch), "table": int8(256, seed=4)},
        "conv2d": {**convolution, **_CODES},
        "conv2d_add": {
            "x": convolution["x"],
            "packed": convolution["packed"],
            "residual": int8(batch, 4, 9, OUT_CHANNELS, seed=5),
            **{name: value for name, value in convolution.items() if name not in ("x", "packed")},
            **residual,
            **_CODES,
        },
        "conv2d_float": _convolution(batch, 1.0),
        "linear": {
            "x": int8(batch, 3, CHANNELS),
            "packed": packed_linear(),
            "out_features": OUT_CHANNELS,
            "x_zero_point": 3,
            **_CODES,
        },
        "linear_float": {
            "x": int8(batch, 3, CHANNELS),
            "packed": packed_linear(1.0),
            "out_features": OUT_CHANNELS,
            "x_zero_point": 3,
        },
        "linear_dynamic": {
            "x": float32(batch, 3, CHANNELS),
            "packed": packed_linear_dynamic(),
            "bias": float32(OUT_CHANNELS, seed=11),
            "out_features": OUT_CHANNELS,
            "per_row": True,
            "symmetric": False,
            "quant_min": -128,
            "quant_max": 127,
            "eps": 2.0**-12,
        },
        "conv2d_f32": {
            "x": float32(batch, CHANNELS, 9, 8),
            "packed": packed_conv2d_f32(),
            "out_channels": OUT_CHANNELS,
            **_WINDOW,
            "groups": 1,
            "out_min": 0.0,
            "out_max": math.inf,
        },
        "linear_f32": {
            "x": float32(batch, 3, CHANNELS),
            "packed": packed_linear_f32(),
            "out_features": OUT_CHANNELS,
            "out_min": -math.inf,
            "out_max": 1.5,
        },
        "add": _binary(batch),
        "mul": _binary(batch),
        "max_pool2d": {"x": _image(batch), **_WINDOW, "ceil_mode": True},
        "avg_pool2d": {
            "x": _image(batch),
            "kernel_size": [3, 2],
            "stride": [2, 2],
            "padding": [1, 1, 1, 1],
            "ceil_mode": True,
            "count_include_pad": False,
            "divisor_override": 0,
            **average,
        },
        "adaptive_avg_pool2d": {"x": _image(batch), "output_size": [2, 3], **average},
        "concat": {
            "xs": [_image(batch), int8(batch, 9, 8, 3, seed=6)],
            "dim": 3,
            "scales": [0.1, 0.2],
            "zero_points": [1, -2],
            "out_scale": 0.15,
            "out_zero_point": 4,
        },
        "channel_shuffle": {"x": _image(batch), "groups": 3},
        "slice_channels": {"x": _image(batch), "start": 1, "end": 5},
    }


OPS = tuple(samples())

"""Small calls of every operator, over channel counts around every vector length, with what they must give."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from mobilekernels import _core
from tests import reference
from tests.ops.everywhere import Array, pack, window_arguments
from tests.same_bytes import assert_same_bytes
from tests.strategies import Arguments, Block, Layer, channel_scales, codes, zero_blocks

# Around every vector length, and remainders of 4 (a quad) of every kind.
CHANNELS = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 19, 31, 32, 33, 47, 63, 64, 65, 70)
OUT: Arguments = {"out_zero_point": -5, "out_min": -120, "out_max": 120}
DYNAMIC: Arguments = {"quant_min": -127, "quant_max": 127, "eps": 2.0**-12}
CLAMP: Arguments = {"out_min": -1.5, "out_max": 2.0}
BINARY: Arguments = {
    "a_scale": 0.013,
    "a_zero_point": 3,
    "b_scale": 0.021,
    "b_zero_point": -9,
    "out_scale": 0.017,
    **OUT,
}
POOLED: Arguments = {"x_scale": 0.02, "x_zero_point": 3, "out_scale": 0.01, **OUT}


@dataclass(frozen=True)
class ChannelsLast:
    """An argument [N, C, H, W] that lies in memory as `array` [N, H, W, C]."""

    array: Array


@dataclass(frozen=True)
class Call:
    """torch.ops.mobilekernels.<name>(*arguments, **keywords), arrays for tensors."""

    name: str
    expected: Array
    arguments: tuple[Any, ...]
    keywords: Arguments

    def __str__(self) -> str:
        return f"{self.name} {[_described(argument) for argument in self.arguments]}"

    def run_out(self, out: torch.Tensor, place: Callable[[Array], torch.Tensor]) -> None:
        """The `.out` overload, each array put into memory by `place`."""
        arguments = [_placed(argument, place) for argument in self.arguments]
        getattr(torch.ops.mobilekernels, self.name).out(*arguments, **self.keywords, out=out)

    def check(self, out: torch.Tensor, where: str) -> None:
        assert_same_bytes(out.numpy(), self.expected, f"{self} {where}")


def _described(argument: Any) -> Any:
    if isinstance(argument, ChannelsLast):
        return "channels_last", argument.array.shape
    if isinstance(argument, list):
        return [_described(item) for item in argument]
    return getattr(argument, "shape", argument)


def _placed(argument: Any, place: Callable[[Array], torch.Tensor]) -> Any:
    if isinstance(argument, np.ndarray):
        return place(argument)
    if isinstance(argument, ChannelsLast):
        return place(argument.array).permute(0, 3, 1, 2)
    if isinstance(argument, list | tuple):
        return [_placed(item, place) for item in argument]
    return argument


def convolution(
    rng: np.random.Generator, channels: int, kernel: int, pad: int, groups: int, each: int
) -> Layer:
    """From `channels` to `groups * each` channels."""
    weight_shape = (groups * each, channels // groups, kernel, kernel)
    return Layer(
        x=codes(rng, "random", (2, 5, 6, channels)),
        weight=codes(rng, "random", weight_shape, lowest=-127),
        bias=rng.integers(-9999, 9999, groups * each, np.int32),
        scale=channel_scales(rng, "natural", groups * each, int(np.prod(weight_shape[1:]))),
        x_zero_point=4,
        geometry={"stride": (1, 1), "padding": (pad,) * 4, "dilation": (1, 1), "groups": groups},
    )


def block_sparse(rng: np.random.Generator, layer: Layer, block: Block) -> Layer:
    """The layer with three tenths of its blocks."""
    return replace(layer, weight=zero_blocks(rng, layer.weight, layer.groups, block, 0.3), block=block)


def convolution_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    yield from _convolution_calls(rng, _convolutions(rng, channels))


def block_sparse_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    """Convolutions and linear layers by block-sparse weights."""
    for block in ((4, 4), (1, 4)):
        layers = [layer for layer in _convolutions(rng, channels) if layer.weight.shape[1] > 1]
        yield from _convolution_calls(rng, [block_sparse(rng, layer, block) for layer in layers])
        for layer in _linears(rng, channels):
            yield from _linear_calls(block_sparse(rng, layer, block))


def _convolutions(rng: np.random.Generator, channels: int) -> tuple[Layer, ...]:
    return (
        convolution(rng, channels, 1, 0, 1, 17),
        convolution(rng, 5, 1, 0, 1, channels),
        convolution(rng, channels, 3, 0, 1, 16),
        convolution(rng, channels, 3, 1, 1, 5),
        convolution(rng, 2 * channels, 1, 0, 2, 9),
        convolution(rng, 2 * channels, 3, 1, 2, 9),
        convolution(rng, channels, 3, 0, channels, 1),
        convolution(rng, channels, 3, 1, channels, 1),
        convolution(rng, channels, 5, 2, channels, 2),
    )


def _convolution_calls(rng: np.random.Generator, layers: Iterable[Layer]) -> Iterator[Call]:
    for layer in layers:
        x, weight, bias, scale = layer.x, layer.weight, layer.bias, layer.scale
        keywords = layer.geometry | {"x_zero_point": layer.x_zero_point}
        given = (layer.x, pack(layer), *window_arguments(layer))
        yield Call("conv2d", reference.conv2d(x, weight, bias, scale, **keywords, **OUT), given, OUT)
        f = reference.conv2d_float(x, weight, bias, scale, **keywords)
        yield Call("conv2d_float", f, given, {})
        residual = codes(rng, "random", f.shape)
        added: Arguments = {
            "conv_scale": 0.02,
            "conv_zero_point": 3,
            "conv_min": -128,
            "conv_max": 100,
            "residual_scale": 0.03,
            "residual_zero_point": -2,
            "out_scale": 0.025,
            **OUT,
        }
        expected = reference.conv2d_add(x, weight, bias, scale, residual, **keywords, **added)
        yield Call("conv2d_add", expected, (*given[:2], residual, *given[2:]), added)


def linear_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    for layer in _linears(rng, channels):
        yield from _linear_calls(layer)


def _linears(rng: np.random.Generator, channels: int) -> Iterator[Layer]:
    for features_in, features_out in ((channels, 19), (23, channels)):
        whole = convolution(rng, features_in, 1, 0, 1, features_out)
        yield Layer(whole.x[0, 0], whole.weight[:, :, 0, 0], whole.bias, whole.scale, whole.x_zero_point)


def _linear_calls(layer: Layer) -> Iterator[Call]:
    x, weight, bias, scale = layer.x, layer.weight, layer.bias, layer.scale
    zero_point: Arguments = {"x_zero_point": layer.x_zero_point}
    given = (layer.x, pack(layer), weight.shape[0])
    q = reference.linear(x, weight, bias, scale, **zero_point, **OUT)
    yield Call("linear", q, given, zero_point | OUT)
    f = reference.linear_float(x, weight, bias, scale, **zero_point)
    yield Call("linear_float", f, given, zero_point)


def block_sparse_f32_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    """Convolutions and linear layers in float32 by block-sparse weights."""
    for block in ((4, 4), (1, 4)):
        for layer in [layer for layer in _convolutions(rng, channels) if layer.weight.shape[1] > 1]:
            x, weight, bias = _in_float32(rng, layer, block)
            image = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
            packed = _core.pack_weights_f32(weight, bias, layer.groups, block)
            expected = reference.conv2d_f32(image, weight, bias, **layer.geometry, **CLAMP)
            yield Call("conv2d_f32", expected, (image, packed, *window_arguments(layer)[:-1]), CLAMP)
        for layer in _linears(rng, channels):
            for rows in (slice(None), slice(0, 1)):
                x, weight, bias = _in_float32(rng, layer, block)
                packed = _core.pack_weights_f32(weight[:, :, None, None], bias, 1, block)
                expected = reference.linear_f32(x[rows], weight, bias, **CLAMP)
                yield Call("linear_f32", expected, (x[rows], packed, weight.shape[0]), CLAMP)


def _in_float32(rng: np.random.Generator, layer: Layer, block: Block) -> tuple[Array, Array, Array]:
    """Input, weight and bias of a layer's shapes; three tenths of the blocks are not zero."""
    x, weight, bias = (
        rng.normal(0, 1, shape).astype(np.float32)
        for shape in (layer.x.shape, layer.weight.shape, layer.weight.shape[:1])
    )
    return x, zero_blocks(rng, weight, layer.groups, block, 0.3), bias


def dynamic_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    """Linear layers whose activations are quantized on the way, by dense and block-sparse weights."""
    for block in (None, (4, 4), (1, 4)):
        for dense in _linears(rng, channels):
            layer = dense if block is None else block_sparse(rng, dense, block)
            layer = replace(layer, bias=None, x_zero_point=0)
            bias = rng.normal(0, 1, layer.weight.shape[0]).astype(np.float32)
            for rows, per_row in ((slice(None), False), (slice(None), True), (slice(0, 1), False)):
                x = rng.normal(0.5, 1, layer.x[rows].shape).astype(np.float32)
                settings = DYNAMIC | {"per_row": per_row, "symmetric": block == (1, 4)}
                expected = reference.linear_dynamic(x, layer.weight, layer.scale, bias, **settings)
                yield Call("linear_dynamic", expected, (x, pack(layer), bias, bias.size), settings)


def other_calls(rng: np.random.Generator, channels: int) -> Iterator[Call]:
    image, other = (codes(rng, "random", (2, 3, 5, channels)) for _ in range(2))
    gate, single = codes(rng, "random", (2, 1, 1, channels)), codes(rng, "random", (1,))
    table = codes(rng, "random", (256,))
    pixels = rng.normal(0, 5, (2, channels, 3, 5)).astype(np.float32)
    for name, function in (("add", reference.add), ("mul", reference.mul)):
        for b in (other, gate, single):
            yield Call(name, function(image, b, **BINARY), (image, b), BINARY)
    yield Call("lut", reference.lut(image, table), (image, table), {})
    q = reference.quantize_nhwc(pixels, 0.05, 3)
    yield Call("quantize", reference.quantize(pixels, 0.05, 3), (pixels, 0.05, 3), {})
    yield Call("quantize_nhwc", q, (pixels, 0.05, 3), {})
    nhwc = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    yield Call("quantize_nhwc", q, (ChannelsLast(nhwc), 0.05, 3), {})
    yield Call("dequantize", reference.dequantize(image, 0.05, 3), (image, 0.05, 3), {})
    yield Call("dequantize_nchw", reference.dequantize_nchw(image, 0.05, 3), (image, 0.05, 3), {})
    window = ((2, 3), (1, 2), (1, 0, 1, 1))
    largest = reference.max_pool2d(image, *window, (1, 1), True)
    yield Call("max_pool2d", largest, (image, *window, (1, 1), True), {})
    flags = (True, False, 0)
    average = reference.avg_pool2d(image, *window, *flags, **POOLED)
    yield Call("avg_pool2d", average, (image, *window, *flags), POOLED)
    for size in ((1, 1), (2, 2)):
        adaptive = reference.adaptive_avg_pool2d(image, size, **POOLED)
        yield Call("adaptive_avg_pool2d", adaptive, (image, size), POOLED)
    parts = ([image, other[..., : channels // 2 + 1]], 3, [0.1, 0.2], [3, -3], 0.2, -3)
    yield Call("concat", reference.concat(*parts), parts, {})
    wide = codes(rng, "random", (3, 3 * channels))
    yield Call("channel_shuffle", reference.channel_shuffle(wide, 3), (wide, 3), {})
    part = reference.slice_channels(wide, channels, 3 * channels)
    yield Call("slice_channels", part, (wide, channels, 3 * channels), {})


def calls(counts: Sequence[int] = CHANNELS) -> Iterator[Call]:
    """Every operator, many times: on images and rows of each of these numbers of channels."""
    for channels in counts:
        rng = np.random.default_rng(channels)
        yield from convolution_calls(rng, channels)
        yield from linear_calls(rng, channels)
        yield from block_sparse_calls(rng, channels)
        yield from block_sparse_f32_calls(rng, channels)
        yield from dynamic_calls(rng, channels)
        yield from other_calls(rng, channels)

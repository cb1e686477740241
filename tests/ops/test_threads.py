"""Any number of threads gives the reference's bytes: within an operator whose work is large enough to be
split, and around operators that several threads call at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from mobilekernels import _core
from tests import reference
from tests.ops.calls import CHANNELS, Call, block_sparse, calls
from tests.ops.everywhere import Array, assert_everywhere, never, pack, tensor, window_arguments
from tests.strategies import Arguments, Block, Layer, channel_scales, codes

THREADS = (1, 2, 3)
OUT: Arguments = {"out_zero_point": -5, "out_min": -120, "out_max": 120}


@dataclass(frozen=True)
class Shape:
    """A convolution by its sizes: image [n, h, w, in_channels]."""

    n: int
    h: int
    w: int
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1


def layer_of(shape: Shape) -> Layer:
    rng = np.random.default_rng(0)
    weight_shape = (shape.out_channels, shape.in_channels // shape.groups, shape.kernel, shape.kernel)
    terms = weight_shape[1] * shape.kernel**2
    pad = shape.kernel // 2
    return Layer(
        x=codes(rng, "random", (shape.n, shape.h, shape.w, shape.in_channels)),
        weight=codes(rng, "random", weight_shape, lowest=-127),
        bias=rng.integers(-10_000, 10_000, shape.out_channels, np.int32),
        scale=channel_scales(rng, "natural", shape.out_channels, terms),
        x_zero_point=-7,
        geometry={
            "stride": (shape.stride, shape.stride),
            "padding": (pad, pad, pad, pad),
            "dilation": (1, 1),
            "groups": shape.groups,
        },
    )


CONVOLUTIONS = {
    "pointwise": Shape(1, 31, 29, 64, 70),
    "pointwise, k not a multiple of 4": Shape(2, 31, 29, 35, 70),
    "pointwise, strided": Shape(1, 41, 39, 48, 48, stride=2),
    "few pixels, many channels": Shape(1, 2, 3, 320, 530),
    "one pixel": Shape(1, 1, 1, 960, 1000),
    "3x3": Shape(1, 30, 31, 32, 40, kernel=3),
    "first layer": Shape(1, 65, 63, 3, 32, kernel=3, stride=2),
    "7x7": Shape(1, 40, 40, 3, 64, kernel=7, stride=2),
    "grouped": Shape(1, 20, 21, 64, 96, kernel=3, groups=4),
    "batch of 3": Shape(3, 13, 12, 64, 64, kernel=3),
    "depthwise": Shape(1, 57, 55, 72, 72, kernel=3, groups=72),
    "depthwise, strided 5x5": Shape(2, 29, 31, 70, 70, kernel=5, stride=2, groups=70),
    "depthwise, multiplier 2": Shape(1, 33, 31, 40, 80, kernel=3, groups=40),
}


BLOCKS = (None, (4, 4), (1, 4))


def with_block(layer: Layer, block: Block | None) -> Layer:
    """Block sparse, most blocks in the first channels: equal parts of the work are not equal parts of the
    channels.
    """
    if block is None:
        return layer
    uneven = layer.weight.copy()
    uneven[uneven.shape[0] // 5 :: 2] = 0
    return block_sparse(np.random.default_rng(1), replace(layer, weight=uneven), block)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv2d(name: str, block: Block | None) -> None:
    if block is not None and name.startswith("depthwise"):
        pytest.skip("depthwise weights are never block sparse")
    layer = with_block(layer_of(CONVOLUTIONS[name]), block)
    geometry = layer.geometry | {"x_zero_point": layer.x_zero_point}
    expected = reference.conv2d(layer.x, layer.weight, layer.bias, layer.scale, **geometry, **OUT)
    assert_everywhere(
        "conv2d", expected, layer.x, pack(layer), *window_arguments(layer), **OUT, threads=THREADS
    )


@pytest.mark.parametrize("block", BLOCKS[1:])
@pytest.mark.parametrize("name", ["pointwise", "few pixels, many channels", "3x3", "grouped", "batch of 3"])
def test_conv2d_f32(name: str, block: Block) -> None:
    layer = with_block(layer_of(CONVOLUTIONS[name]), block)
    x = np.ascontiguousarray(layer.x.transpose(0, 3, 1, 2)).astype(np.float32) / 64
    weight, bias = layer.weight.astype(np.float32) / 100, layer.scale
    packed = _core.pack_weights_f32(weight, bias, layer.groups, block)
    expected = reference.conv2d_f32(x, weight, bias, **layer.geometry, out_min=0)
    window = window_arguments(layer)[:-1]
    assert_everywhere("conv2d_f32", expected, x, packed, *window, 0.0, np.inf, threads=THREADS)


@pytest.mark.parametrize("block", BLOCKS[1:])
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_linear_f32(rows: int, block: Block) -> None:
    layer = with_block(layer_of(Shape(rows, 1, 1, 145, 300)), block)
    x = layer.x[:, 0, 0].astype(np.float32) / 64
    weight, bias = layer.weight[:, :, 0, 0].astype(np.float32) / 100, layer.scale
    packed = _core.pack_weights_f32(weight[:, :, None, None], bias, 1, block)
    expected = reference.linear_f32(x, weight, bias)
    assert_everywhere("linear_f32", expected, x, packed, 300, -np.inf, np.inf, threads=THREADS)


@pytest.mark.parametrize("per_row", [False, True])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_linear_dynamic(rows: int, block: Block | None, per_row: bool) -> None:
    layer = with_block(layer_of(Shape(rows, 1, 1, 385, 600)), block)
    weight, bias = layer.weight[:, :, 0, 0], layer.scale
    # The last row is the widest: a scale for all is known when the last task has read its rows.
    x = layer.x[:, 0, 0].astype(np.float32) * np.linspace(0.01, 0.1, rows, dtype=np.float32)[:, None]
    settings = {"per_row": per_row, "symmetric": False, "quant_min": -128, "quant_max": 127, "eps": 1e-6}
    expected = reference.linear_dynamic(x, weight, layer.scale, bias, **settings)
    packed = pack(replace(layer, bias=None, x_zero_point=0))
    assert_everywhere("linear_dynamic", expected, x, packed, bias, 600, **settings, threads=THREADS)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_linear(rows: int, block: Block | None) -> None:
    layer = with_block(layer_of(Shape(rows, 1, 1, 385, 600)), block)
    x, weight = layer.x[:, 0, 0], layer.weight[:, :, 0, 0]
    expected = reference.linear(x, weight, layer.bias, layer.scale, x_zero_point=layer.x_zero_point, **OUT)
    assert_everywhere("linear", expected, x, pack(layer), 600, -7, **OUT, threads=THREADS)


IMAGE = codes(np.random.default_rng(1), "random", (2, 61, 67, 33))
GATE = codes(np.random.default_rng(2), "random", (2, 1, 1, 33))
TABLE = codes(np.random.default_rng(3), "random", (256,))
PIXELS = np.random.default_rng(4).normal(0, 5, (2, 33, 61, 67)).astype(np.float32)
BINARY: Arguments = {
    "a_scale": 0.013,
    "a_zero_point": 3,
    "b_scale": 0.021,
    "b_zero_point": -9,
    "out_scale": 0.017,
    **OUT,
}
POOLED: Arguments = {"x_scale": 0.02, "x_zero_point": 3, "out_scale": 0.01, **OUT}
MAX_WINDOW = ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1), False)
AVERAGE_WINDOW = ((3, 5), (2, 1), (1, 1, 2, 2), True, False, 0)

# Operators whose reference takes the operator's own arguments.
OTHERS: dict[str, tuple[Callable[..., Array], tuple[Any, ...], Arguments]] = {
    "add": (reference.add, (IMAGE, IMAGE[::-1]), BINARY),
    "mul": (reference.mul, (IMAGE, GATE), BINARY),
    "lut": (reference.lut, (IMAGE, TABLE), {}),
    "quantize": (reference.quantize, (PIXELS, 0.05, 3), {}),
    "quantize_nhwc": (reference.quantize_nhwc, (PIXELS, 0.05, 3), {}),
    "dequantize": (reference.dequantize, (IMAGE, 0.05, 3), {}),
    "dequantize_nchw": (reference.dequantize_nchw, (IMAGE, 0.05, 3), {}),
    "max_pool2d": (reference.max_pool2d, (IMAGE, *MAX_WINDOW), {}),
    "avg_pool2d": (reference.avg_pool2d, (IMAGE, *AVERAGE_WINDOW), POOLED),
    "adaptive_avg_pool2d": (reference.adaptive_avg_pool2d, (IMAGE, (1, 1)), POOLED),
    "concat": (reference.concat, ([IMAGE, IMAGE[..., :20]], 3, [0.1, 0.2], [3, -3], 0.2, -3), {}),
    "channel_shuffle": (reference.channel_shuffle, (IMAGE, 3), {}),
    "slice_channels": (reference.slice_channels, (IMAGE, 5, 30), {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other(name: str) -> None:
    function, arguments, keywords = OTHERS[name]
    expected = function(*arguments, **keywords)
    assert_everywhere(name, expected, *arguments, **keywords, threads=THREADS)


def test_operators_called_from_several_threads_at_once() -> None:
    def run(call: Call) -> None:
        out = tensor(never(call.expected))
        call.run_out(out, tensor)
        call.check(out, "among others")

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(run, call) for call in calls(CHANNELS[::4])]
    for result in results:
        result.result()

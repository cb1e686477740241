"""Each rule alone, on small graphs: what it emits, that it is exact, and why it declines."""

from __future__ import annotations

import operator

import pytest
import torch

from mobilekernels.passes import canonical_ops
from mobilekernels.qparams import QParams
from tests.lowering.check import assert_lowers_exactly
from tests.passes.graphs import GRID, OTHER_GRID, aten, bias, build, count, image, targets, weight

ours = torch.ops.mobilekernels
WIDE = QParams(0.9, 11)
X = (2, 6, 7, 9)


def lowered(body, *inputs):
    return assert_lowers_exactly(build(body, *inputs), inputs)


def conv(
    b, x, out=8, groups=1, kernel=(3, 3), stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), inputs=6
):
    w = weight(b, (out, inputs // groups, *kernel))
    return b.call(canonical_ops.conv2d, x, w, bias(b, out), stride, padding, dilation, groups)


CONVOLUTIONS = {
    "plain": {},
    "pointwise": {"kernel": (1, 1)},
    "stride and padding": {"stride": (2, 1), "padding": (1, 2, 0, 3)},
    "dilation": {"dilation": (2, 2), "padding": (2, 2, 2, 2)},
    "groups": {"groups": 3, "out": 9},
    "depthwise": {"groups": 6, "out": 6},
    "depthwise with multiplier": {"groups": 6, "out": 18, "stride": (2, 2)},
}


@pytest.mark.parametrize("settings", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("after", ["int8", "float32", "clamped"])
def test_conv2d(settings, after):
    def body(b, x):
        result = conv(b, b.quantize(x, GRID), **settings)
        if after == "float32":
            return result
        return b.quantize(b.call(aten.relu.default, result) if after == "clamped" else result, WIDE)

    module, reasons = lowered(body, image(*X))
    assert not reasons
    assert count(module, ours.conv2d_float.default if after == "float32" else ours.conv2d.default) == 1
    assert not any(str(t).startswith("aten.conv") or t is canonical_ops.conv2d for t in targets(module))


def test_float_output_goes_on_in_float_and_back():
    """conv, hardswish, q: as X86InductorQuantizer leaves it. The permute is a view."""

    def body(b, x):
        active = b.call(aten.hardswish.default, conv(b, b.quantize(x, GRID)))
        return conv(b, b.quantize(active, WIDE), inputs=8)

    module, reasons = lowered(body, image(*X))
    assert reasons == {"hardswish_default": "input is not quantized"}
    expected = [
        ours.quantize_nhwc.default, ours.conv2d_float.default, aten.permute.default, aten.hardswish.default,
        ours.quantize_nhwc.default, ours.conv2d_float.default, aten.permute.default,
    ]  # fmt: skip
    assert targets(module) == expected


@pytest.mark.parametrize("after", ["int8", "float32"])
@pytest.mark.parametrize("shape", [(3, 10), (2, 4, 10), (2, 3, 5, 10)])
def test_linear(after, shape):
    def body(b, x):
        result = b.call(aten.linear.default, b.quantize(x, GRID), weight(b, (7, 10)), bias(b, 7))
        return b.quantize(result, WIDE) if after == "int8" else result

    module, reasons = lowered(body, image(*shape))
    assert not reasons
    assert count(module, ours.linear.default if after == "int8" else ours.linear_float.default) == 1


def test_linear_without_bias():
    module, reasons = lowered(
        lambda b, x: b.call(aten.linear.default, b.quantize(x, GRID), weight(b, (7, 10))), image(3, 10)
    )
    assert not reasons
    assert count(module, ours.linear_float.default) == 1


def test_a_weight_with_one_scale_for_all():
    def body(b, x):
        codes = torch.randint(-127, 128, (8, 6, 3, 3), dtype=torch.int8)
        target = torch.ops.quantized_decomposed.dequantize_per_tensor.default
        w = b.call(target, b.constant("codes", codes), 0.004, 0, -127, 127, torch.int8)
        args = ((1, 1), (1, 1, 1, 1), (1, 1), 1)
        return b.quantize(b.call(canonical_ops.conv2d, b.quantize(x, GRID), w, None, *args), WIDE)

    assert not lowered(body, image(*X))[1]


def test_all_zero_channels():
    def body(b, x):
        codes = torch.randint(-127, 128, (8, 6, 1, 1), dtype=torch.int8)
        codes[2] = codes[5] = 0
        scales = torch.full((8,), 0.003, dtype=torch.float64)
        scales[2] = scales[5] = 1e-12
        target = torch.ops.quantized_decomposed.dequantize_per_channel.default
        zeros = b.constant("zeros", torch.zeros(8, dtype=torch.int64))
        w = b.call(target, b.constant("c", codes), b.constant("s", scales), zeros, 0, -127, 127, torch.int8)
        args = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
        return b.quantize(b.call(canonical_ops.conv2d, b.quantize(x, GRID), w, bias(b, 8), *args), GRID)

    assert not lowered(body, image(*X))[1]


def _weight(b, codes, zero_points, axis=0):
    target = torch.ops.quantized_decomposed.dequantize_per_channel.default
    scales = b.constant("scales", torch.full((codes.shape[axis],), 0.01, dtype=torch.float64))
    zeros = b.constant("zeros", torch.full((codes.shape[axis],), zero_points))
    return b.call(target, b.constant("codes", codes), scales, zeros, axis, -128, 127, torch.int8)


CODES = torch.randint(-127, 128, (8, 8), dtype=torch.int8, generator=torch.Generator().manual_seed(0))
REFUSED_WEIGHTS = {
    "-128": (lambda b, s: _weight(b, torch.full(s, -128, dtype=torch.int8), 0), "-128"),
    "zero points": (lambda b, s: _weight(b, CODES.reshape(s), 3), "not symmetric"),
    "axis": (lambda b, s: _weight(b, CODES.reshape(s), 0, axis=1), "along dimension 1"),
    "float": (lambda b, s: b.constant("weight", torch.randn(s)), "is not a quantized int8 constant"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED_WEIGHTS.values(), ids=REFUSED_WEIGHTS)
@pytest.mark.parametrize("kind", ["linear", "conv2d"])
def test_weights_that_the_kernels_do_not_take_stay_in_float(make, words, kind):
    shape = (8, 8) if kind == "linear" else (8, 8, 1, 1)

    def body(b, x):
        numbers, w = b.quantize(x, GRID), make(b, shape)
        if kind == "linear":
            return b.quantize(b.call(aten.linear.default, numbers, w), WIDE)
        args = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
        return b.quantize(b.call(canonical_ops.conv2d, numbers, w, None, *args), WIDE)

    x = image(3, 8) if kind == "linear" else image(2, 8, 3, 3)
    canonical = build(body, x)
    before = canonical(x)
    module, reasons = _lower_with_stock(canonical, x)
    assert [r for r in reasons.values() if words in r], reasons
    torch.testing.assert_close(module(x), before, rtol=0, atol=0)


def _lower_with_stock(canonical, x):
    from mobilekernels.lowering import lower
    from mobilekernels.passes import prepare

    prepare(canonical, (x,))
    result = lower(canonical)
    return result.module, {n.node.name: n.reason for n in result.notes if n.reason}


BROADCASTS = [
    ((2, 6, 7, 9), (2, 6, 7, 9)),
    ((2, 6, 7, 9), (2, 6, 1, 1)),
    ((1, 6, 1, 1), (2, 6, 7, 9)),
    ((4, 5), (5,)),
    ((2, 6, 7, 9), (9,)),
    ((2, 1, 3, 1, 5), (4, 1, 2, 1)),
]


@pytest.mark.parametrize("target", [aten.add.Tensor, aten.mul.Tensor])
@pytest.mark.parametrize(("a", "c"), BROADCASTS)
def test_add_and_mul(target, a, c):
    def body(b, x, y):
        return b.quantize(b.call(target, b.quantize(x, GRID), b.quantize(y, OTHER_GRID)), WIDE)

    module, reasons = lowered(body, image(*a), image(*c, seed=1))
    assert not reasons
    assert count(module, ours.add.default) + count(module, ours.mul.default) == 1


def test_add_of_a_value_to_itself():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        return b.quantize(b.call(aten.add.Tensor, numbers, numbers), WIDE)

    assert not lowered(body, image(*X))[1]


@pytest.mark.parametrize("why", ["float output", "float input", "alpha"])
def test_add_declines(why):
    def body(b, x, y):
        a, c = b.quantize(x, GRID), y if why == "float input" else b.quantize(y, OTHER_GRID)
        added = b.graph.call_function(aten.add.Tensor, (a, c), {"alpha": 2} if why == "alpha" else {})
        return added if why == "float output" else b.quantize(added, WIDE)

    _, reasons = lowered(body, image(*X), image(*X, seed=1))
    words = {
        "float output": "output is not quantized",
        "float input": "input is not quantized",
        "alpha": "alpha is 2",
    }
    assert words[why] in reasons["add_tensor"]


POOLS = {
    "max": lambda b, x: b.call(aten.max_pool2d.default, x, [3, 2], [2, 2], [1, 1], [1, 1], True),
    "max, defaults": lambda b, x: b.call(aten.max_pool2d.default, x, [2]),
    "average": lambda b, x: b.call(aten.avg_pool2d.default, x, [3, 3], [2, 2], [1, 1], False, False),
    "average, defaults": lambda b, x: b.call(aten.avg_pool2d.default, x, [2, 3]),
    "average, divisor": lambda b, x: b.call(aten.avg_pool2d.default, x, [2], [2], [0], True, True, 3),
    "adaptive": lambda b, x: b.call(aten.adaptive_avg_pool2d.default, x, [1, 1]),
    "adaptive 2x3": lambda b, x: b.call(aten.adaptive_avg_pool2d.default, x, [2, 3]),
    "mean": lambda b, x: b.call(aten.mean.dim, x, [2, 3]),
    "mean, negative": lambda b, x: b.call(aten.mean.dim, x, [-1, -2], True),
}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_pools(pool):
    module, reasons = lowered(lambda b, x: b.quantize(pool(b, b.quantize(x, GRID)), OTHER_GRID), image(*X))
    assert not reasons
    assert any("mobilekernels" in str(t) and "pool" in str(t) for t in targets(module))


@pytest.mark.parametrize(
    ("dims", "shape", "words"),
    [([1], X, "mean over dimensions [1]"), ([1, 2], (2, 3, 4), "mean over dimensions [1, 2]")],
)
def test_other_means_stay(dims, shape, words):
    _, reasons = lowered(
        lambda b, x: b.quantize(b.call(aten.mean.dim, b.quantize(x, GRID), dims), OTHER_GRID), image(*shape)
    )
    assert words in reasons["mean_dim"]


@pytest.mark.parametrize("dim", [0, 1, 2, 3, -1, -3])
@pytest.mark.parametrize("grids", [(GRID, GRID, None), (GRID, OTHER_GRID, WIDE), (GRID, GRID, OTHER_GRID)])
def test_cat(dim, grids):
    def body(b, x):
        parts = [b.quantize(x, g) for g in grids[:2]]
        joined = b.call(aten.cat.default, [*parts, parts[0]], dim)
        return joined if grids[2] is None else b.quantize(joined, grids[2])

    module, reasons = lowered(body, image(*X))
    assert not reasons
    assert count(module, ours.concat.default) == 1


def test_cat_of_different_grids_needs_a_quantize():
    _, reasons = lowered(
        lambda b, x: b.call(aten.cat.default, [b.quantize(x, GRID), b.quantize(x, OTHER_GRID)], 1), image(*X)
    )
    assert "parts have different scales" in reasons["cat_default"]


MOVES = {
    "flatten": lambda b, x: b.call(aten.flatten.using_ints, x, 1),
    "reshape": lambda b, x: b.call(aten.reshape.default, x, [-1, 9]),
    "to NHWC": lambda b, x: b.call(aten.permute.default, x, [0, 2, 3, 1]),
    "permute": lambda b, x: b.call(aten.permute.default, x, [1, 0, 3, 2]),
    "transpose": lambda b, x: b.call(aten.transpose.int, x, 1, -1),
    "squeeze": lambda b, x: b.call(aten.squeeze.dim, b.call(aten.unsqueeze.default, x, 2), 2),
    "select": lambda b, x: b.call(aten.select.int, x, 1, 2),
    "slice rows": lambda b, x: b.call(aten.slice.Tensor, x, 2, 1, 6, 2),
    "slice channels": lambda b, x: b.call(aten.slice.Tensor, x, 1, -4, 9223372036854775807),
    "slice channels by steps": lambda b, x: b.call(aten.slice.Tensor, x, 1, 0, 6, 2),
    "expand": lambda b, x: b.call(
        aten.expand.default, b.call(aten.unsqueeze.default, x, 0), [2, -1, -1, -1, -1]
    ),
    "index": lambda b, x: b.call(operator.getitem, x, (slice(None), slice(1, 3))),
    "pad": lambda b, x: b.call(aten.constant_pad_nd.default, x, [1, 2, 3, 0]),
    "pad channels": lambda b, x: b.call(aten.constant_pad_nd.default, x, [0, 0, 0, 0, 1, 1]),
    "shuffle": lambda b, x: b.call(aten.channel_shuffle.default, x, 3),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("then", ["output", "table", "conv"])
def test_moves_stay_int8(move, then):
    def body(b, x):
        first = b.quantize(conv(b, b.quantize(x, GRID), out=6, kernel=(1, 1)), WIDE)
        moved = move(b, first)
        if then == "output":
            return moved
        return b.quantize(b.call(aten.tanh.default, moved), OTHER_GRID)

    x = image(*X)
    module, reasons = lowered(body, x)
    assert not reasons
    assert sum("dequantize" in str(t) for t in targets(module)) == 1


@pytest.mark.parametrize("chunks", [2, 4, 5])
@pytest.mark.parametrize("dim", [1, 2])
def test_chunks(chunks, dim):
    def body(b, x):
        parts = b.call(aten.chunk.default, b.quantize(x, GRID), chunks, dim)
        first, second = (b.call(operator.getitem, parts, i) for i in (0, 1))
        return b.quantize(b.call(aten.tanh.default, second), OTHER_GRID), first

    module, reasons = lowered(body, image(*X))
    assert not reasons
    assert count(module, ours.slice_channels.default) == (2 if dim == 1 else 0)


def test_split_by_sizes():
    def body(b, x):
        parts = b.call(aten.split_with_sizes.default, b.quantize(x, GRID), [1, 2, 3], 1)
        return [b.call(operator.getitem, parts, i) for i in (0, 2)]

    assert not lowered(body, image(*X))[1]


def test_channels_last_linear_needs_no_copy():
    """permute, linear, permute, conv: the memory never moves."""

    def body(b, x):
        rows = b.call(aten.permute.default, b.quantize(x, GRID), [0, 2, 3, 1])
        mixed = b.quantize(b.call(aten.linear.default, rows, weight(b, (6, 6)), bias(b, 6)), WIDE)
        return b.quantize(conv(b, b.call(aten.permute.default, mixed, [0, 3, 1, 2])), WIDE)

    module, reasons = lowered(body, image(*X))
    assert not reasons
    names = [str(t) for t in targets(module)]
    assert names == [
        f"mobilekernels.{n}.default" for n in ("quantize_nhwc", "linear", "conv2d", "dequantize_nchw")
    ]


def test_sizes_of_int8_values():
    def body(b, x):
        first = b.quantize(conv(b, b.quantize(x, GRID), out=6, kernel=(1, 1)), WIDE)
        n, c = (b.call(aten.sym_size.int, first, d) for d in (0, 1))
        return b.call(aten.reshape.default, first, [n, c, -1])

    assert not lowered(body, image(*X))[1]


def test_an_unknown_operator_runs_in_float_between():
    def body(b, x):
        first = b.quantize(conv(b, b.quantize(x, GRID), out=6, kernel=(1, 1)), WIDE)
        return b.quantize(conv(b, b.quantize(b.call(aten.cumsum.default, first, 1), WIDE)), WIDE)

    module, reasons = lowered(body, image(*X))
    assert reasons == {"cumsum_default": "no int8 kernel for aten.cumsum.default"}
    assert count(module, ours.conv2d.default) == 2


def test_a_value_is_converted_once():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        return b.call(aten.cumsum.default, numbers, 1), b.call(aten.cumsum.default, numbers, 2), numbers

    module, _ = lowered(body, image(*X))
    assert sum("dequantize" in str(t) for t in targets(module)) == 1


def test_a_narrow_quantize_of_floats_is_clamped():
    narrow = QParams(GRID.scale, GRID.zero_point, -100, 90)
    lowered(lambda b, x: conv(b, b.quantize(x, narrow)), image(*X, spread=9.0))


def test_codes_that_are_an_output():
    def body(b, x):
        target = torch.ops.quantized_decomposed.quantize_per_tensor.default
        return b.call(
            target, conv(b, b.quantize(x, GRID)), WIDE.scale, WIDE.zero_point, -128, 127, torch.int8
        )

    canonical = build(body, image(*X))
    module, _ = _lower_with_stock(canonical, image(*X))
    result = module(image(*X))
    assert result.dtype == torch.int8
    assert result.shape == (2, 8, 5, 7)

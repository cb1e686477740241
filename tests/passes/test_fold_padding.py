import pytest

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.fold_padding import fold_padding
from mobilekernels.passes.normalize_conv import normalize_convolutions
from tests.passes.graphs import GRID, assert_keeps_results, aten, bias, build, count, image, weight

PAD = aten.constant_pad_nd.default


def _conv(b, x, padding=(0, 0)):
    return b.call(aten.conv2d.default, x, weight(b, (5, 3, 3, 3)), bias(b, 5), [2, 2], list(padding))


def _run(module):
    normalize_convolutions(module)
    fold_padding(module)


def _padding(module):
    (conv,) = [n for n in module.graph.nodes if n.target is canonical_ops.conv2d]
    return conv.args[4]


@pytest.mark.parametrize(
    ("pad", "own", "expected"),
    [
        ([1, 2, 3, 4], (0, 0), (3, 4, 1, 2)),
        ([0, 1, 0, 1], (1, 1), (1, 2, 1, 2)),
        ([2, 0], (0, 1), (0, 0, 3, 1)),
    ],
)
@pytest.mark.parametrize("place", ["on quantized numbers", "before the quantize"])
def test_zero_padding_joins_the_convolution(pad, own, expected, place):
    x = image(2, 3, 9, 8)

    def body(b, x):
        if place == "before the quantize":
            return _conv(b, b.quantize(b.call(PAD, x, pad, 0.0), GRID), own)
        return _conv(b, b.call(PAD, b.quantize(x, GRID), pad), own)

    module = build(body, x)
    assert_keeps_results(module, _run, x)
    assert count(module, PAD) == 0
    assert _padding(module) == expected


@pytest.mark.parametrize(
    ("pad", "value"), [([1, 1, 1, 1], 0.5), ([-1, 0, 0, 0], 0.0), ([1, 1, 1, 1, 1, 1], 0.0)]
)
def test_other_padding_stays(pad, value):
    x = image(2, 1 if len(pad) == 6 else 3, 9, 8)
    module = build(lambda b, x: _conv(b, b.call(PAD, b.quantize(x, GRID), pad, value)), x)
    assert_keeps_results(module, _run, x)
    assert count(module, PAD) == 1


def test_padding_that_others_read_is_kept_for_them():
    x = image(2, 3, 9, 8)

    def body(b, x):
        padded = b.call(PAD, b.quantize(x, GRID), [1, 1, 1, 1], 0.0)
        return _conv(b, padded), padded

    module = build(body, x)
    assert_keeps_results(module, _run, x)
    assert count(module, PAD) == 1
    assert _padding(module) == (1, 1, 1, 1)


def test_quantized_padding_that_no_convolution_reads_stays():
    x = image(2, 3, 9, 8)
    module = build(lambda b, x: b.quantize(b.call(PAD, x, [1, 1, 1, 1], 0.0), GRID), x)
    assert_keeps_results(module, _run, x)
    assert count(module, PAD) == 1

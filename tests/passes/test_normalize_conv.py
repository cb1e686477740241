import pytest

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.normalize_conv import normalize_convolutions
from tests.passes.graphs import GRID, assert_keeps_results, aten, bias, build, count, image, targets, weight


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (4, 3), (2, 5)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_is_torchs(kernel, dilation):
    x = image(2, 3, 11, 12)

    def body(b, x):
        w = weight(b, (4, 3, *kernel))
        return b.call(aten.conv2d.padding, b.quantize(x, GRID), w, bias(b, 4), [1, 1], "same", [dilation] * 2)

    module = build(body, x)
    assert_keeps_results(module, normalize_convolutions, x)
    assert targets(module)[-1] is canonical_ops.conv2d


def test_every_spelling_becomes_one():
    x = image(2, 4, 9, 9)

    def body(b, x):
        w = weight(b, (4, 2, 3, 3))
        return (
            b.call(aten.conv2d.default, x, w, None, [2, 2], [1], [1, 1], 2),
            b.graph.call_function(aten.conv2d.default, (x, w), {"groups": 2, "padding": [1, 0]}),
            b.call(aten.conv2d.padding, x, w, None, [1, 1], "valid", [1, 1], 2),
            b.call(aten.convolution.default, x, w, None, [1, 2], [1, 0], [2, 1], False, [0, 0], 2),
        )

    module = build(body, x)
    assert_keeps_results(module, normalize_convolutions, x)
    assert count(module, canonical_ops.conv2d) == 4


def test_transposed_and_one_dimensional_convolutions_stay():
    x, line = image(2, 4, 9, 9), image(2, 4, 9)

    def body(b, x, line):
        w = weight(b, (4, 4, 3, 3))
        w1 = weight(b, (4, 4, 3))
        return (
            b.call(aten.convolution.default, x, w, None, [1, 1], [0, 0], [1, 1], True, [0, 0], 1),
            b.call(aten.convolution.default, line, w1, None, [1], [0], [1], False, [0], 1),
        )

    module = build(body, x, line)
    assert_keeps_results(module, normalize_convolutions, x, line)
    assert count(module, canonical_ops.conv2d) == 0

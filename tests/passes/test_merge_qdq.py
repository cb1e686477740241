import torch

from mobilekernels.passes.merge_qdq import merge_qdq
from mobilekernels.passes.qdq import is_dequantize, is_quantize
from mobilekernels.qparams import QParams
from tests.passes.graphs import GRID, OTHER_GRID, assert_keeps_results, aten, build, image


def _counts(module):
    nodes = list(module.graph.nodes)
    return sum(map(is_quantize, nodes)), sum(map(is_dequantize, nodes))


def test_repeated_pairs_merge():
    x = image(2, 3, 4, 4)
    module = build(lambda b, x: (b.quantize(x, GRID), b.quantize(x, GRID), b.quantize(x, OTHER_GRID)), x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (2, 2)


def test_a_pair_between_moves_goes():
    """reshape, q, dq, transpose, q, dq, cat: as XNNPACKQuantizer leaves them."""
    x = image(2, 6, 4, 4)

    def body(b, x):
        a = b.quantize(b.call(aten.reshape.default, b.quantize(x, GRID), [2, 2, 3, 16]), GRID)
        c = b.quantize(b.call(aten.transpose.int, a, 1, 2), GRID)
        return b.quantize(b.call(aten.cat.default, [c, c], 1), GRID)

    module = build(body, x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (1, 1)


def test_a_second_quantize_of_the_same_grid_goes():
    x = image(2, 3)

    def body(b, x):
        return b.quantize(b.quantize(x, GRID), GRID), b.quantize(b.quantize(x, GRID), OTHER_GRID)

    module = build(body, x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (2, 2)


def test_a_narrower_quantize_stays():
    x = image(20, 30)
    narrow = QParams(GRID.scale, GRID.zero_point, -10, 20)
    module = build(lambda b, x: b.quantize(b.quantize(x, GRID), narrow), x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (2, 2)


def test_padding_outside_a_narrow_range_is_requantized():
    """The code of zero is not among the clamped codes, so the quantize behind the padding does something."""
    x = image(2, 3, 4, 4)
    narrow = QParams(GRID.scale, GRID.zero_point, 10, 20)

    def body(b, x):
        return b.quantize(b.call(aten.constant_pad_nd.default, b.quantize(x, narrow), [1, 1], 0.0), narrow)

    module = build(body, x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (2, 2)


def test_values_of_different_grids_are_requantized():
    x = image(2, 3, 4, 4)

    def body(b, x):
        parts = [b.quantize(x, GRID), b.quantize(x, OTHER_GRID)]
        return b.quantize(b.call(aten.cat.default, parts, 1), GRID)

    module = build(body, x)
    assert_keeps_results(module, merge_qdq, x)
    assert _counts(module) == (3, 3)
    assert isinstance(module(x), torch.Tensor)

import torch

from mobilekernels.passes.qdq import is_dequantize, is_quantize, qparams_of
from mobilekernels.passes.to_int8 import move_to_int8
from mobilekernels.qparams import QParams
from tests.passes.graphs import assert_keeps_results, aten, build, image

library = torch.ops.quantized_decomposed


def _uint8(b, x, scale, zero_point, low=0, high=255):
    settings = (scale, zero_point, low, high, torch.uint8)
    codes = b.call(library.quantize_per_tensor.default, x, *settings)
    return codes, b.call(library.dequantize_per_tensor.default, codes, *settings)


def test_codes_and_zero_points_move_by_128():
    x = image(2, 3, 4, 4)
    module = build(lambda b, x: b.call(aten.relu.default, _uint8(b, x, 0.03, 100)[1]), x)
    assert_keeps_results(module, move_to_int8, x)
    quantize, dequantize = (n for n in module.graph.nodes if is_quantize(n) or is_dequantize(n))
    assert qparams_of(quantize) == qparams_of(dequantize) == QParams(0.03, -28)


def test_a_reduced_range_stays_reduced():
    x = image(20, 30)
    module = build(lambda b, x: _uint8(b, x, 0.03, 60, 0, 127)[1], x)
    assert_keeps_results(module, move_to_int8, x)
    (quantize,) = filter(is_quantize, module.graph.nodes)
    assert qparams_of(quantize) == QParams(0.03, -68, -128, -1)


def test_codes_that_are_an_output_stay_uint8():
    x = image(2, 3)
    module = build(lambda b, x: _uint8(b, x, 0.03, 100), x)
    assert_keeps_results(module, move_to_int8, x)
    assert not any(map(is_quantize, module.graph.nodes))

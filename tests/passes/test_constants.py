"""Passes over constants: weights quantized in the graph, and weights with codes of -128."""

import torch

from mobilekernels.passes.fold_constants import fold_quantized_constants
from mobilekernels.passes.narrow_weights import narrow_weights
from mobilekernels.passes.qdq import constant, is_constant
from tests.passes.graphs import assert_keeps_results, aten, build, image

library = torch.ops.quantized_decomposed


def test_a_weight_quantized_in_the_graph_becomes_int8():
    """As convert_pt2e(fold_quantize=False) leaves it."""
    x = image(2, 3)

    def body(b, x):
        scales = b.constant("scales", torch.tensor([0.01, 0.02], dtype=torch.float64))
        zeros = b.constant("zeros", torch.zeros(2, dtype=torch.int64))
        settings = (scales, zeros, 0, -127, 127, torch.int8)
        codes = b.call(
            library.quantize_per_channel.default, b.constant("weight", torch.randn(2, 3)), *settings
        )
        return b.call(
            aten.linear.default, x, b.call(library.dequantize_per_channel.default, codes, *settings)
        )

    module = build(body, x)
    assert_keeps_results(module, fold_quantized_constants, x)
    (dequantize,) = [n for n in module.graph.nodes if "dequantize_per_channel" in str(n.target)]
    assert is_constant(dequantize.args[0])
    assert constant(module, dequantize.args[0]).dtype == torch.int8


def test_codes_of_minus_128_are_moved_and_counted():
    x = image(2, 4)

    def body(b, x):
        codes = torch.tensor([[-128, 127, 0, -128], [1, 2, 3, -127]], dtype=torch.int8)
        settings = (b.constant("scales", torch.rand(2).double()), None, 0, -128, 127, torch.int8)
        numbers = b.call(library.dequantize_per_channel.default, b.constant("codes", codes), *settings)
        return b.call(aten.linear.default, x, numbers)

    module = build(body, x)
    assert sum(narrow_weights(module).values()) == 2
    module.recompile()
    (dequantize,) = [n for n in module.graph.nodes if "dequantize_per_channel" in str(n.target)]
    assert constant(module, dequantize.args[0]).tolist() == [[-127, 127, 0, -127], [1, 2, 3, -127]]
    assert_keeps_results(module, narrow_weights, x)

import pytest
import torch

from mobilekernels.passes.fold_activation import fold_activations
from mobilekernels.passes.qdq import is_quantize, qparams_of
from mobilekernels.qparams import QParams
from tests.passes.graphs import GRID, assert_keeps_results, aten, build, count, image

CLAMPS = {
    "relu": (aten.relu.default,),
    "relu6": (aten.hardtanh.default, 0.0, 6.0),
    "hardtanh": (aten.hardtanh.default,),
    "clamp": (aten.clamp.default, -0.33, 1.21),
    "clamp_min": (aten.clamp_min.default, 0.1),
    "clamp_max": (aten.clamp_max.default, 0.1),
    "clamp_open": (aten.clamp.default, None, 0.7),
    "out of range": (aten.clamp.default, 50.0, 60.0),
}
GRIDS = [QParams(0.05, 3), QParams(0.01, -128), QParams(0.3, 127), QParams(0.02, 0, -100, 90)]


def _quantize(module):
    return [n for n in module.graph.nodes if is_quantize(n)][-1]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("clamp", CLAMPS.values(), ids=CLAMPS)
def test_bounds_give_what_clamping_first_gives(clamp, grid):
    target, *bounds = clamp
    x, y = image(2, 3, 4, 4), image(2, 3, 4, 4, seed=1)
    module = build(
        lambda b, x, y: b.quantize(b.call(target, b.call(aten.add.Tensor, x, y), *bounds), grid), x, y
    )
    assert_keeps_results(module, fold_activations, x, y)
    assert count(module, target) == 0


def test_a_chain_of_clamps_folds():
    x = image(2, 3, 4, 4)

    def body(b, x):
        added = b.call(aten.mul.Tensor, x, x)
        return b.quantize(b.call(aten.hardtanh.default, b.call(aten.relu.default, added), -1.0, 2.0), GRID)

    module = build(body, x)
    assert_keeps_results(module, fold_activations, x)
    params = qparams_of(_quantize(module))
    assert (params.low, params.high) == (3, 43)
    assert count(module, aten.relu.default) == 0


def test_an_activation_that_others_read_stays():
    x = image(2, 3)

    def body(b, x):
        active = b.call(aten.relu.default, b.call(aten.add.Tensor, x, x))
        return b.quantize(active, GRID), active

    module = build(body, x)
    assert_keeps_results(module, fold_activations, x)
    assert count(module, aten.relu.default) == 1


def test_an_activation_of_a_shared_value_stays():
    x = image(2, 3)

    def body(b, x):
        added = b.call(aten.add.Tensor, x, x)
        return b.quantize(b.call(aten.relu.default, added), GRID), added

    module = build(body, x)
    assert_keeps_results(module, fold_activations, x)
    assert count(module, aten.relu.default) == 1


def test_an_activation_of_something_that_does_not_clamp_stays():
    x = torch.randn(2, 3)
    module = build(lambda b, x: b.quantize(b.call(aten.relu.default, x), GRID), x)
    assert_keeps_results(module, fold_activations, x)
    assert count(module, aten.relu.default) == 1

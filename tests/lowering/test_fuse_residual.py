"""conv2d_add in place of conv2d and add: when, and that no byte changes."""

import pytest
import torch

from mobilekernels.lowering import lower
from mobilekernels.lowering.fuse_residual import fuse_residual_adds
from mobilekernels.passes import canonical_ops, prepare
from mobilekernels.qparams import QParams
from tests.passes.graphs import GRID, OTHER_GRID, aten, bias, build, count, image, weight

ours = torch.ops.mobilekernels
SUM = QParams(0.4, -7)


def _conv(b, x, seed, grid=OTHER_GRID):
    w = weight(b, (6, 6, 1, 1), seed)
    result = b.call(canonical_ops.conv2d, x, w, bias(b, 6, seed), (1, 1), (0, 0, 0, 0), (1, 1), 1)
    return b.quantize(b.call(aten.relu.default, result), grid)


def _fuse(body, *inputs):
    canonical = build(body, *inputs)
    prepare(canonical, inputs)
    module = lower(canonical).module
    before = module(*inputs)
    fused = fuse_residual_adds(module)
    module.graph.lint()
    torch.testing.assert_close(module(*inputs), before, rtol=0, atol=0)
    return module, fused


@pytest.mark.parametrize("conv_first", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_a_residual_add_is_fused(conv_first, relu):
    def body(b, x):
        numbers = b.quantize(x, GRID)
        operands = [_conv(b, numbers, 0), numbers]
        added = b.call(aten.add.Tensor, *(operands if conv_first else reversed(operands)))
        return b.quantize(b.call(aten.relu.default, added) if relu else added, SUM)

    module, fused = _fuse(body, image(2, 6, 5, 5))
    assert count(module, ours.conv2d_add.default) == 1
    assert count(module, ours.conv2d.default) == count(module, ours.add.default) == 0
    assert fused == {"add_tensor": "conv2d"}


def test_of_two_convolutions_one_is_fused():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        return b.quantize(b.call(aten.add.Tensor, _conv(b, numbers, 0), _conv(b, numbers, 1)), SUM)

    module, _ = _fuse(body, image(2, 6, 5, 5))
    assert count(module, ours.conv2d_add.default) == count(module, ours.conv2d.default) == 1


def test_a_convolution_that_others_read_stays():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        first = _conv(b, numbers, 0)
        return b.quantize(b.call(aten.add.Tensor, first, numbers), SUM), first

    module, fused = _fuse(body, image(2, 6, 5, 5))
    assert not fused
    assert count(module, ours.add.default) == 1


def test_a_broadcast_stays():
    def body(b, x, y):
        return b.quantize(b.call(aten.add.Tensor, _conv(b, b.quantize(x, GRID), 0), b.quantize(y, GRID)), SUM)

    _, fused = _fuse(body, image(2, 6, 5, 5), image(2, 6, 1, 1))
    assert not fused


def test_a_product_stays():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        return b.quantize(b.call(aten.mul.Tensor, _conv(b, numbers, 0), numbers), SUM)

    assert not _fuse(body, image(2, 6, 5, 5))[1]

import torch

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.batch_norm import rewrite_batch_norms
from tests.lowering.check import assert_lowers_exactly
from tests.passes.graphs import GRID, OTHER_GRID, aten, build, count, image


def _norm(b, x, channels=5, training=False, affine=True):
    generator = torch.Generator().manual_seed(3)
    weight, bias, mean = (torch.randn(channels, generator=generator) for _ in range(3))
    weight[1] = 0.0
    variance = torch.rand(channels, generator=generator) + 0.1
    parameters = [b.constant("weight", weight), b.constant("bias", bias)] if affine else [None, None]
    statistics = [b.constant("mean", mean), b.constant("variance", variance)]
    return b.call(aten.batch_norm.default, x, *parameters, *statistics, training, 0.1, 1e-3, False)


def test_it_becomes_a_depthwise_convolution():
    x = image(2, 5, 4, 4)
    for affine in (True, False):
        module = build(lambda b, x, a=affine: _norm(b, b.quantize(x, GRID), affine=a), x)
        before = module(x)
        rewrite_batch_norms(module)
        module.graph.lint()
        module.recompile()
        torch.testing.assert_close(module(x), before, rtol=1e-6, atol=1e-6)
        assert count(module, canonical_ops.conv2d) == 1
        assert count(module, aten.batch_norm.default) == 0


def test_it_runs_on_our_kernels():
    x = image(2, 5, 4, 4)
    canonical = build(lambda b, x: b.quantize(_norm(b, b.quantize(x, GRID)), OTHER_GRID), x)
    module, reasons = assert_lowers_exactly(canonical, (x,))
    assert not reasons
    assert count(module, torch.ops.mobilekernels.conv2d.default) == 1


def test_floats_training_and_rows_stay():
    x = image(2, 5, 4, 4)
    cases = {
        "float": build(lambda b, x: _norm(b, x), x),
        "training": build(lambda b, x: _norm(b, b.quantize(x, GRID), training=True), x),
        "rows": build(lambda b, x: _norm(b, b.quantize(b.call(aten.select.int, x, 2, 0), GRID)), x),
    }
    for name, module in cases.items():
        rewrite_batch_norms(module)
        assert count(module, aten.batch_norm.default) == 1, name

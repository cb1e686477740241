import pytest
import torch

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.qdq import is_quantize, qparams_of
from mobilekernels.passes.tables import computed_by_table, fold_clamp_tables, make_tables
from mobilekernels.qparams import QParams, all_codes
from tests.passes.graphs import GRID, OTHER_GRID, assert_keeps_results, aten, build, count

# Every code of GRID, so that the whole table is seen.
EVERY = GRID.dequantize(all_codes()).reshape(1, 4, 8, 8)


def _swish(b, x):
    return b.call(aten.mul.Tensor, x, b.call(aten.sigmoid.default, x))


def _hard_swish(b, x):
    shifted = b.call(aten.add.Tensor, x, 3)
    return b.call(
        aten.div.Tensor, b.call(aten.mul.Tensor, x, b.call(aten.hardtanh.default, shifted, 0.0, 6.0)), 6
    )


FUNCTIONS = {
    "hardswish": lambda b, x: b.call(aten.hardswish.default, x),
    "silu": lambda b, x: b.call(aten.silu.default, x),
    "gelu tanh": lambda b, x: b.graph.call_function(aten.gelu.default, (x,), {"approximate": "tanh"}),
    "x * sigmoid(x)": _swish,
    "x * relu6(x + 3) / 6": _hard_swish,
    "leaky_relu": lambda b, x: b.call(aten.leaky_relu.default, x, 0.2),
    "elu": lambda b, x: b.call(aten.elu.default, x, 0.7),
    "another scale": lambda b, x: x,
    "a scalar constant": lambda b, x: b.call(aten.mul.Tensor, x, b.constant("c", torch.tensor(0.3))),
    "nan": lambda b, x: b.call(
        aten.clamp.default, b.call(aten.sqrt.default, b.call(aten.abs.default, x)), 0.1, 2.0
    ),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_table_is_the_float_operators(function):
    module = build(lambda b, x: b.quantize(function(b, b.quantize(x, GRID)), OTHER_GRID), EVERY)
    assert_keeps_results(module, make_tables, EVERY)
    assert count(module, canonical_ops.lut) == 1
    assert sum(is_quantize(n) for n in module.graph.nodes) == 1


def test_a_table_after_a_move_reads_the_moved_codes():
    def body(b, x):
        flat = b.call(aten.flatten.using_ints, b.quantize(x, GRID), 1)
        return b.quantize(b.call(aten.tanh.default, flat), OTHER_GRID)

    module = build(body, EVERY)
    assert_keeps_results(module, make_tables, EVERY)
    assert count(module, canonical_ops.lut) == 1


def test_two_sources_make_no_table():
    def body(b, x, y):
        gate = b.call(aten.sigmoid.default, b.quantize(x, GRID))
        return b.quantize(b.call(aten.mul.Tensor, gate, b.quantize(y, OTHER_GRID)), GRID)

    module = build(body, EVERY, EVERY)
    assert_keeps_results(module, make_tables, EVERY, EVERY)
    assert count(module, canonical_ops.lut) == 0


@pytest.mark.parametrize("source", ["float", "per-channel constant"])
def test_what_is_no_function_of_one_code_makes_no_table(source):
    def body(b, x):
        if source == "float":
            return b.quantize(b.call(aten.silu.default, x), GRID)
        per_channel = b.constant("c", torch.arange(4.0).reshape(1, 4, 1, 1))
        return b.quantize(b.call(aten.mul.Tensor, b.quantize(x, GRID), per_channel), GRID)

    module = build(body, EVERY)
    assert_keeps_results(module, make_tables, EVERY)
    assert count(module, canonical_ops.lut) == 0


def test_a_value_with_other_readers_keeps_them():
    def body(b, x):
        active = b.call(aten.hardswish.default, b.quantize(x, GRID))
        return b.quantize(active, OTHER_GRID), active

    module = build(body, EVERY)
    assert_keeps_results(module, make_tables, EVERY)
    assert count(module, canonical_ops.lut) == 1
    assert count(module, aten.hardswish.default) == 1


def test_a_table_is_named_after_what_it_computes():
    module = build(lambda b, x: b.quantize(_swish(b, b.quantize(x, GRID)), OTHER_GRID), EVERY)
    make_tables(module)
    (lut,) = [n for n in module.graph.nodes if n.target is canonical_ops.lut]
    assert computed_by_table(lut) == "sigmoid+mul"


@pytest.mark.parametrize("bounds", [(0.0, 6.0), (-0.5, 0.5), (-100.0, 100.0)])
def test_a_clamp_between_equal_grids_becomes_bounds(bounds):
    """conv, q, dq, relu6, q: as PT2E leaves it."""

    def body(b, x):
        return b.quantize(b.call(aten.hardtanh.default, b.quantize(x, GRID), *bounds), GRID)

    module = build(body, EVERY)

    def both(module):
        make_tables(module)
        fold_clamp_tables(module)

    assert_keeps_results(module, both, EVERY)
    assert count(module, canonical_ops.lut) == 0
    (quantize,) = [n for n in module.graph.nodes if is_quantize(n)]
    expected = GRID.clamped(GRID.code_of(bounds[0]), GRID.code_of(bounds[1]))
    assert qparams_of(quantize) == expected


def test_a_clamp_does_not_narrow_codes_that_others_read():
    def body(b, x):
        numbers = b.quantize(x, GRID)
        return b.quantize(b.call(aten.relu.default, numbers), GRID), numbers

    module = build(body, EVERY)

    def both(module):
        make_tables(module)
        fold_clamp_tables(module)

    assert_keeps_results(module, both, EVERY)
    assert count(module, canonical_ops.lut) == 1


def test_a_table_that_is_no_clamp_stays():
    module = build(
        lambda b, x: b.quantize(b.quantize(x, GRID), QParams(GRID.scale, GRID.zero_point + 1)), EVERY
    )

    def both(module):
        make_tables(module)
        fold_clamp_tables(module)

    assert_keeps_results(module, both, EVERY)
    assert count(module, canonical_ops.lut) == 1

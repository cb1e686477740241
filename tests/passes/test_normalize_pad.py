import pytest

from mobilekernels.passes.normalize_pad import normalize_padding
from tests.passes.graphs import assert_keeps_results, aten, build, count, image


@pytest.mark.parametrize("rest", [(), ("constant",), ("constant", None), ("constant", 0.5)])
def test_constant_padding_is_renamed(rest):
    x = image(2, 3, 4, 5)
    module = build(lambda b, x: b.call(aten.pad.default, x, [1, 2, 0, 1], *rest), x)
    assert_keeps_results(module, normalize_padding, x)
    assert count(module, aten.constant_pad_nd.default) == 1


def test_reflection_stays():
    x = image(2, 3, 4, 5)
    module = build(lambda b, x: b.call(aten.pad.default, x, [1, 2, 0, 1], "reflect"), x)
    assert_keeps_results(module, normalize_padding, x)
    assert count(module, aten.constant_pad_nd.default) == 0

import pytest

from mobilekernels.passes.channel_shuffle import recognise_channel_shuffle
from tests.passes.graphs import GRID, assert_keeps_results, aten, build, count, image

SHUFFLE = aten.channel_shuffle.default
SIZE = aten.sym_size.int


def _recognise(module):
    recognise_channel_shuffle(module)


def _shuffle(b, x, first, last, swap=(1, 2)):
    split = b.call(aten.reshape.default, x, first)
    return b.call(aten.reshape.default, b.call(aten.transpose.int, split, *swap), last)


@pytest.mark.parametrize("groups", [2, 3, 6])
@pytest.mark.parametrize("batch", ["number", "-1", "of the input", "of the value"])
def test_the_pattern_is_recognised(groups, batch):
    x = image(2, 12, 4, 5)

    def body(b, x):
        numbers = b.quantize(x, GRID)
        size = {"number": 2, "-1": -1}.get(batch)
        if size is None:
            size = b.call(SIZE, x if batch == "of the input" else numbers, 0)
        return _shuffle(b, numbers, [size, groups, 12 // groups, 4, 5], [size, 12, 4, 5])

    module = build(body, x)
    assert_keeps_results(module, _recognise, x)
    assert count(module, SHUFFLE) == 1
    assert count(module, aten.transpose.int) == 0


def test_sizes_read_from_the_value_are_recognised_at_any_size():
    x = image(2, 6, 4, 5)

    def body(b, x):
        numbers = b.quantize(x, GRID)
        n, h, w = (b.call(SIZE, numbers, d) for d in (0, 2, 3))
        return _shuffle(b, numbers, [n, 2, 3, h, w], [n, 6, h, w])

    module = build(body, x)
    assert_keeps_results(module, _recognise, x)
    assert count(module, SHUFFLE) == 1
    assert_keeps_results(module, _recognise, image(3, 6, 7, 2))


def test_height_and_width_exchanged_are_not_a_shuffle():
    """Equal on a square example, and only there."""
    x = image(2, 6, 4, 4)

    def body(b, x):
        numbers = b.quantize(x, GRID)
        n, h, w = (b.call(SIZE, numbers, d) for d in (0, 2, 3))
        return _shuffle(b, numbers, [n, 2, 3, w, h], [n, 6, h, w])

    module = build(body, x)
    assert_keeps_results(module, _recognise, x)
    assert count(module, SHUFFLE) == 0


@pytest.mark.parametrize("swap", [(1, 3), (2, 3)])
def test_another_transpose_is_not_a_shuffle(swap):
    x = image(2, 6, 4, 4)
    module = build(lambda b, x: _shuffle(b, x, [2, 2, 3, 4, 4], [2, 6, 4, 4], swap), x)
    assert_keeps_results(module, _recognise, x)
    assert count(module, SHUFFLE) == 0


def test_an_intermediate_that_others_read_stops_it():
    x = image(2, 6, 4, 4)

    def body(b, x):
        split = b.call(aten.reshape.default, x, [2, 2, 3, 4, 4])
        return b.call(aten.reshape.default, b.call(aten.transpose.int, split, 1, 2), [2, 6, 4, 4]), split

    module = build(body, x)
    assert_keeps_results(module, _recognise, x)
    assert count(module, SHUFFLE) == 0

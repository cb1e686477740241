import torch

from mobilekernels.passes.remove_noops import remove_noops
from tests.passes.graphs import assert_keeps_results, aten, build, count, image, targets


def test_identities_go():
    x = image(2, 3, 4, 4)

    def body(b, x):
        for target in (aten.contiguous.default, aten.clone.default, aten.detach.default, aten.alias.default):
            x = b.call(target, x)
        x = b.call(aten.dropout.default, x, 0.5, False)
        return b.call(aten.relu.default, b.call(aten.dropout.default, x, 0.0, True))

    module = build(body, x)
    assert_keeps_results(module, remove_noops, x)
    assert targets(module) == [aten.relu.default]


def test_dropout_in_training_stays():
    x = image(2, 3)
    module = build(lambda b, x: b.call(aten.dropout.default, x, 0.5, True), x)
    remove_noops(module)
    assert count(module, aten.dropout.default) == 1


def test_a_view_of_what_was_made_contiguous_still_runs():
    x = image(2, 6, 4, 4)

    def body(b, x):
        swapped = b.call(aten.contiguous.default, b.call(aten.transpose.int, x, 1, 3))
        return b.call(aten.view.default, swapped, [2, 96])

    module = build(body, x)
    assert_keeps_results(module, remove_noops, x)
    assert targets(module) == [aten.transpose.int, aten.reshape.default]


def test_assertions_go():
    x = image(2, 3)

    def body(b, x):
        b.graph.call_function(aten._assert_tensor_metadata.default, (x,), {"dtype": torch.float32})
        return b.call(aten.relu.default, x)

    module = build(body, x)
    remove_noops(module)
    assert targets(module) == [aten.relu.default]

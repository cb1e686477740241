"""`mobilekernels.prune` at once: which blocks, how many, in which layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.pruning.blocks import BLOCKS, Block, BlockGrid
from mobilekernels.pruning.select import choose_kept
from tests.pruning.networks import PRUNABLE, network, same, weights


def grid_of(module: nn.Module, block: Block) -> BlockGrid:
    assert isinstance(module, (nn.Conv2d, nn.Linear))
    return BlockGrid(tuple(module.weight.shape), getattr(module, "groups", 1), block)


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.8, 0.97])
def test_zeros_are_whole_blocks_and_as_many_as_asked(scope: str, block: Block, sparsity: float) -> None:
    model = network()
    before = weights(model)
    pruned = mk.prune(model, sparsity, block, scope)
    assert same(before, weights(model)), "the model given is not changed"
    zeroed = total = 0
    for name in PRUNABLE:
        new, old = pruned.get_submodule(name).weight, model.get_submodule(name).weight
        grid = grid_of(model.get_submodule(name), block)
        assert torch.equal(grid.expand(grid.occupied(new)), new != 0), "no block is cut"
        assert torch.equal(new[new != 0], old[new != 0]), "what stays is not changed"
        zeros = int((new == 0).sum())
        if scope == "layer":
            assert abs(zeros - sparsity * new.numel()) <= block[0] * block[1]
        zeroed, total = zeroed + zeros, total + new.numel()
        assert (new != 0).any()
    assert abs(zeroed - sparsity * total) <= block[0] * block[1] * (len(PRUNABLE) if scope == "layer" else 1)
    dense = [name for name in before if name.removesuffix(".weight") not in PRUNABLE]
    assert all(torch.equal(pruned.state_dict()[name], before[name]) for name in dense)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_weakest_blocks_go(block: Block) -> None:
    model = network()
    pruned = mk.prune(model, 0.6, block, "layer")
    for name in PRUNABLE:
        old, new = model.get_submodule(name).weight, pruned.get_submodule(name).weight
        grid = grid_of(model.get_submodule(name), block)
        scores, kept = grid.mean_squares(old), grid.occupied(new)
        assert scores[~kept].max() <= scores[kept].min()


def test_global_compares_layers() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 4))
    with torch.no_grad():
        model[1].weight.mul_(10)
    by_name = {row.name: row.sparsity for row in mk.sparsity_report(mk.prune(model, 0.5)).layers}
    assert by_name["1"] < 0.2 < 0.8 < by_name["2"]
    # A layer of weak weights keeps a quarter of the density that was asked for, so that it still connects.
    with torch.no_grad():
        model[1].weight.mul_(1e6)
    by_name = {row.name: row.sparsity for row in mk.sparsity_report(mk.prune(model, 0.5)).layers}
    assert by_name["2"] == pytest.approx(0.875)


def test_smaller_blocks_at_the_edge_compare_fairly() -> None:
    """Six columns make blocks of 4 and 2: equal weights give equal scores."""
    grid = BlockGrid((4, 6), 1, (4, 4))
    assert grid.mean_squares(torch.full((4, 6), 2.0)).flatten().tolist() == [4.0, 4.0]


def test_ties_go_in_order() -> None:
    scores = {"a": torch.zeros(8), "b": torch.zeros(8)}
    sizes = {name: torch.ones(8, dtype=torch.int64) for name in scores}
    kept = choose_kept(scores, sizes, 0.5, "layer")
    assert kept["a"].tolist() == kept["b"].tolist() == [False] * 4 + [True] * 4


def test_what_stays_dense_and_why() -> None:
    reasons = {row.name: row.reason for row in mk.Pruner(network(), 0.5).report().layers}
    assert reasons == {
        "0": "first layer",
        "2": "",
        "4": "",
        "6": "depthwise",
        "8": "",
        "11": "",
        "13": "last layer",
    }
    rows = mk.Pruner(network(), 0.5, skip_first=False, skip_last=False).report().layers
    assert {row.name: row.reason for row in rows if row.reason} == {
        "0": "3 input channels a group do not fill blocks of 4",
        "6": "depthwise",
    }
    # Single elements need no alignment.
    rows = mk.Pruner(network(), 0.5, (1, 1), skip_first=False).report().layers
    assert [row.name for row in rows if row.reason] == ["6", "13"]


@pytest.mark.parametrize(
    ("skip", "dense"),
    [
        (["2"], {"2"}),
        (("1*",), {"11"}),
        ([nn.Linear], {"11"}),
        (nn.Linear, {"11"}),
        (["2", nn.Linear], {"2", "11"}),
        (lambda name, module: isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1), {"8"}),
    ],
)
def test_skip(skip: Any, dense: set[str]) -> None:
    rows = mk.Pruner(network(), 0.5, skip=skip).report().layers
    assert {row.name for row in rows if row.reason == "skip"} == dense
    assert all(row.sparsity == 0 for row in rows if row.reason)


def test_skip_names_a_parent() -> None:
    model = nn.ModuleDict({"stem": nn.Linear(8, 8), "body": network(), "head": nn.Linear(8, 8)})
    rows = mk.Pruner(model, 0.5, skip=["body.2"]).report().layers
    assert [row.name for row in rows if row.reason == "skip"] == ["body.2"]
    with pytest.raises(ValueError, match="nothing to prune"):
        mk.Pruner(model, 0.5, skip=["body"])


def test_a_shared_weight_is_pruned_once() -> None:
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(5)))
    model[3].weight = model[1].weight
    pruner = mk.Pruner(model, 0.5)
    assert [row.name for row in pruner.report().layers] == ["0", "1", "2", "4"]


def test_report_counts() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8))
    pruner = mk.Pruner(model, 0.5, (1, 4))
    report = pruner.report()
    row = report.layers[1]
    assert (row.shape, row.elements, row.zeros, row.blocks, row.zero_blocks) == ((8, 8), 64, 32, 16, 8)
    assert 0 < (row.kept_norm or 0) < 1
    assert (report.sparsity, report.model_sparsity) == (0.5, 32 / 192)
    with torch.no_grad():
        model[1].weight[0] = torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 2])
    assert mk.sparsity_report(model, (4, 4)).layers[1].zero_blocks <= 4
    text = str(report)
    assert "zero 1x4 blocks" in text
    assert "dense: first layer" in text
    assert report.to_dict()["layers"][1]["sparsity"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sparsity": 1.0}, ValueError, "sparsity: given 1.0"),
        ({"sparsity": -0.1}, ValueError, "sparsity: given -0.1"),
        ({"sparsity": float("nan")}, ValueError, "sparsity: given nan"),
        ({"sparsity": "0.8"}, TypeError, "sparsity: given '0.8'"),
        ({"sparsity": True}, TypeError, "sparsity: given True"),
        ({"block": (3, 3)}, ValueError, r"block: given \(3, 3\)"),
        ({"block": "4x4"}, TypeError, "block: given '4x4'"),
        ({"scope": "tensor"}, ValueError, "scope: given 'tensor'; accepted are 'global', 'layer'"),
        ({"skip": "2"}, TypeError, "skip: given '2'"),
        ({"skip": [3]}, TypeError, "skip: given 3 in it"),
        ({"skip": ["head"]}, ValueError, r"skip: \['head'\] match no convolution or linear layer"),
        ({"schedule": 100}, TypeError, "schedule: given a int"),
        ({"model": torch.zeros(3)}, TypeError, "model: given a Tensor"),
        ({"model": nn.ReLU()}, ValueError, "model: given a ReLU with nothing to prune"),
        ({"model": nn.Linear(8, 8)}, ValueError, r"nothing to prune: the model itself \(first layer\)"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mk.prune(**{"model": network(), "sparsity": 0.5, **arguments})


def test_weights_that_are_not_finite() -> None:
    model = network()
    with torch.no_grad():
        model[2].weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="model: the weight of '2' holds NaN or infinity"):
        mk.prune(model, 0.5)

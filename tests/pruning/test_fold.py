"""Masks made elsewhere give the same plain weights."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils import prune as torch_prune

import mobilekernels as mk
from tests.pruning.networks import PRUNABLE, network, same, train, weights

GENERATOR = torch.Generator().manual_seed(13)
SHAPES = {name: network().get_submodule(name).weight.shape for name in PRUNABLE}
MASKS = {name: torch.rand(shape, generator=GENERATOR) < 0.4 for name, shape in SHAPES.items()}


def plain(model: nn.Module) -> nn.Module:
    expected = copy.deepcopy(model)
    with torch.no_grad():
        for name, mask in MASKS.items():
            expected.get_submodule(name).weight.mul_(mask)
    return expected


def by_torch_prune(model: nn.Module) -> nn.Module:
    masked = copy.deepcopy(model)
    for name, mask in MASKS.items():
        torch_prune.custom_from_mask(masked.get_submodule(name), "weight", mask)
    return masked


def by_torch_ao(model: nn.Module) -> tuple[nn.Module, object]:
    from torch.ao.pruning import WeightNormSparsifier

    masked = copy.deepcopy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparsifier = WeightNormSparsifier()
        sparsifier.prepare(masked, [{"tensor_fqn": f"{name}.weight"} for name in MASKS])
    for name, mask in MASKS.items():
        masked.get_submodule(name).parametrizations.weight[0].mask = mask.float()
    return masked, sparsifier


def check(folded: nn.Module, model: nn.Module) -> None:
    assert same(weights(folded), weights(plain(model)))
    assert type(folded.get_submodule("2")) is nn.Conv2d
    assert not folded.get_submodule("2")._forward_pre_hooks
    mk.Pruner(folded, 0.8)  # plain weights, as all functions of this package take them


def test_torch_nn_utils_prune() -> None:
    model = network()
    masked = by_torch_prune(model)
    check(mk.fold_masks(masked), model)
    assert hasattr(masked[2], "weight_orig"), "the model given is not changed"
    removed = by_torch_prune(model)
    for name in MASKS:
        torch_prune.remove(removed.get_submodule(name), "weight")
    check(mk.fold_masks(removed), model)


def test_torch_nn_utils_prune_in_the_middle_of_training() -> None:
    """Then `weight` is a result with a history, which deepcopy refuses."""
    masked = by_torch_prune(network())
    train(masked, torch.optim.SGD(masked.parameters(), lr=1e-3), 2)
    folded = mk.fold_masks(masked)
    for name, mask in MASKS.items():
        assert torch.equal(folded.get_submodule(name).weight, masked.get_submodule(name).weight_orig * mask)


def test_a_pruned_bias_is_folded_too() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    torch_prune.l1_unstructured(model[0], "bias", amount=2)
    assert int((mk.fold_masks(model)[0].bias == 0).sum()) == 2  # type: ignore[index]


def test_torch_ao_pruning() -> None:
    model = network()
    masked, sparsifier = by_torch_ao(model)
    check(mk.fold_masks(masked), model)
    assert torch.equal(masked[2].weight, plain(model)[2].weight), "the model given still works"  # type: ignore[index]
    sparsifier.squash_mask()  # type: ignore[attr-defined]
    check(mk.fold_masks(masked), model)


def test_other_parametrizations_stay() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4)))
    assert set(mk.fold_masks(model).state_dict()) == set(model.state_dict())


def test_one_shot_pruning_takes_masked_models() -> None:
    masked = by_torch_prune(network())
    assert same(weights(mk.prune(masked, 0.9)), weights(mk.prune(plain_of(masked), 0.9)))
    with pytest.raises(ValueError, match=r"model: the weight of '2' is computed.*fold_masks"):
        mk.Pruner(masked, 0.5)


def plain_of(masked: nn.Module) -> nn.Module:
    return mk.fold_masks(masked)


@pytest.mark.parametrize("road", ["torch.nn.utils.prune", "torch.ao.pruning"])
def test_quantize_takes_masked_models(road: str) -> None:
    pytest.importorskip("torchao.quantization.pt2e")
    model = network().eval()
    masked = (by_torch_prune(model) if road == "torch.nn.utils.prune" else by_torch_ao(model)[0]).eval()
    data = [torch.randn(4, 3, 6, 6)]
    found, expected = (mk.quantize(m, data, progress=False) for m in (masked, plain(model)))
    assert torch.equal(found(data[0]), expected(data[0]))
    fast, report = mk.convert(found, data[0])
    assert report.mac_coverage == 1.0
    assert fast(data[0]).shape == (4, 5)
    # Convert sees the zeros of the masks, and weights that round to zero.
    shares = [layer.sparsity for layer in report.layers if layer.sparsity and layer.sparsity > 0.3]
    least = [int((~mask).sum()) / mask.numel() for mask in MASKS.values()]
    assert all(found >= zeros for found, zeros in zip(shares, least, strict=True))


def test_bad_model() -> None:
    with pytest.raises(TypeError, match="model: given a dict"):
        mk.fold_masks({})  # type: ignore[arg-type]

"""Masks that other tools made, turned into plain weights with zeros."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils import prune as torch_prune


def fold_masks(model: nn.Module) -> nn.Module:
    """A copy of a model whose weights are plain dense tensors, with zeros where masks were.

    Accepted are `torch.nn.utils.prune` (``weight_orig`` and ``weight_mask``, as `remove` folds them),
    `torch.ao.pruning` (before or after ``squash_mask``), and models that have no masks: zeros are zeros
    already.

    Args:
        model: a module; it is not changed.

    Raises:
        TypeError: ``model`` is no module.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: given a {type(model).__name__}; accepted is a torch.nn.Module")
    folded = _copy(model)
    for module in folded.modules():
        for name in _masked_by_hooks(module):
            torch_prune.remove(module, name)
        masked = _masked_by_parametrization(module)
        if masked:
            _own_class(module)
        for name in masked:
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    return folded


def has_masks(model: nn.Module) -> bool:
    """Whether `fold_masks` would change anything."""
    return any(_masked_by_hooks(module) or _masked_by_parametrization(module) for module in model.modules())


def _masked_by_hooks(module: nn.Module) -> list[str]:
    """Names of tensors that torch.nn.utils.prune computes before each forward."""
    hooks = module._forward_pre_hooks.values()
    return [hook._tensor_name for hook in hooks if isinstance(hook, torch_prune.BasePruningMethod)]


def _masked_by_parametrization(module: nn.Module) -> list[str]:
    if not parametrize.is_parametrized(module):
        return []
    from torch.ao.pruning.sparsifier.utils import FakeSparsity

    parametrizations = module.parametrizations
    assert isinstance(parametrizations, nn.ModuleDict)
    return [
        name
        for name, chain in parametrizations.items()
        if any(isinstance(step, FakeSparsity) for step in chain)  # type: ignore[attr-defined]
    ]


def _own_class(module: nn.Module) -> None:
    """Parametrized weights are properties of a class that the module shares with what it is a copy of."""
    shared = type(module)
    body = {name: value for name, value in vars(shared).items() if name not in ("__dict__", "__weakref__")}
    module.__class__ = type(shared.__name__, shared.__bases__, body)


def _copy(model: nn.Module) -> nn.Module:
    # torch.nn.utils.prune leaves `weight` as the result of a product, which deepcopy refuses while it has a
    # history.
    memo: dict[int, object] = {}
    for module in model.modules():
        for name in _masked_by_hooks(module):
            tensor = getattr(module, name)
            if isinstance(tensor, torch.Tensor):
                memo[id(tensor)] = tensor.detach().clone()
    return copy.deepcopy(model, memo)

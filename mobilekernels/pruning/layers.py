"""Which layers of a model are pruned, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import nn
from torch.nn.utils import parametrize

from mobilekernels.pruning.blocks import Block, BlockGrid

Skip = Sequence[str | type[nn.Module]] | type[nn.Module] | Callable[[str, nn.Module], bool]

_SKIP_ACCEPTED = (
    "accepted is a sequence of name patterns and module types, such as ('head*', nn.Linear), or a function "
    "of "
    "(name, module) that returns True for what stays dense"
)


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer.

    Attributes:
        name: as `named_modules` spells it.
        reason: why it stays dense; empty where it is pruned.
    """

    name: str
    module: nn.Conv2d | nn.Linear
    grid: BlockGrid
    reason: str = ""

    @property
    def weight(self) -> torch.Tensor:
        return self.module.weight


def weighted_layers(model: object, block: Block) -> Iterator[Layer]:
    """Every convolution and linear layer in the order of registration; a shared weight comes once.

    Raises:
        TypeError: ``model`` is no module.
        ValueError: a weight is a mask's result, not a float, or not finite.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: given a {type(model).__name__}; accepted is a float torch.nn.Module")
    seen: set[int] = set()
    for name, module in model.named_modules():
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        if "weight" not in module._parameters or parametrize.is_parametrized(module, "weight"):
            raise ValueError(
                f"model: the weight of {name!r} is computed from other parameters; accepted are plain "
                "weights "
                "(mobilekernels.fold_masks turns masks of torch.nn.utils.prune and torch.ao.pruning into "
                "zeros)"
            )
        weight = module.weight
        if not weight.is_floating_point():
            raise TypeError(f"model: the weight of {name!r} is {weight.dtype}; accepted are float models")
        if id(weight) in seen:
            continue
        seen.add(id(weight))
        groups = module.groups if isinstance(module, nn.Conv2d) else 1
        yield Layer(name, module, BlockGrid(tuple(weight.shape), groups, block))


def choose_layers(
    model: nn.Module, block: Block, *, skip: Skip = (), skip_first: bool = True, skip_last: bool = True
) -> list[Layer]:
    """Every convolution and linear layer, those that stay dense with the reason.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value, or nothing is left to prune.
    """
    layers = list(weighted_layers(model, block))
    asked = _Skip(skip)
    chosen = []
    for index, layer in enumerate(layers):
        # Asked always: a pattern that names the first layer has named something.
        reason = "skip" if asked(layer.name, layer.module) else ""
        if skip_first and index == 0:
            reason = "first layer"
        elif skip_last and index == len(layers) - 1:
            reason = "last layer"
        reason = reason or never_pruned(layer)
        chosen.append(Layer(layer.name, layer.module, layer.grid, reason))
    asked.check_used(model)
    if all(layer.reason for layer in chosen):
        why = ", ".join(f"{layer.name or 'the model itself'} ({layer.reason})" for layer in chosen[:8])
        raise ValueError(
            f"model: given a {type(model).__name__} with nothing to prune: "
            f"{why or 'no convolution or linear layer'}"
        )
    for layer in chosen:
        if not layer.reason and not torch.isfinite(layer.weight).all():
            raise ValueError(
                f"model: the weight of {layer.name!r} holds NaN or infinity; accepted are finite values"
            )
    return chosen


def never_pruned(layer: Layer) -> str:
    """Why no setting prunes the layer; empty where one does."""
    if isinstance(layer.module, nn.Conv2d) and layer.module.groups > 1 and layer.grid.shape[1] == 1:
        return "depthwise"
    if not layer.grid.skippable:
        return f"{layer.grid.shape[1]} input channels a group do not fill blocks of {layer.grid.block[1]}"
    return ""


class _Skip:
    """A pattern that names a module names every layer inside it."""

    def __init__(self, skip: Skip) -> None:
        self._predicate: Callable[[str, nn.Module], bool] | None = None
        entries: tuple[object, ...] = ()
        if isinstance(skip, type):
            entries = (skip,)
        elif callable(skip):
            self._predicate = skip
        elif isinstance(skip, Sequence) and not isinstance(skip, str):
            entries = tuple(skip)
        else:
            raise TypeError(f"skip: given {skip!r}; {_SKIP_ACCEPTED}")
        for entry in entries:
            if not isinstance(entry, str) and not (isinstance(entry, type) and issubclass(entry, nn.Module)):
                raise TypeError(f"skip: given {entry!r} in it; {_SKIP_ACCEPTED}")
        self._patterns = [entry for entry in entries if isinstance(entry, str)]
        self._types = tuple(entry for entry in entries if isinstance(entry, type))
        self._used: set[str] = set()

    def __call__(self, name: str, module: nn.Module) -> bool:
        if self._predicate is not None:
            return bool(self._predicate(name, module))
        parts = name.split(".")
        names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        hits = [p for p in self._patterns if any(fnmatchcase(candidate, p) for candidate in names)]
        self._used.update(hits)
        return bool(hits) or isinstance(module, self._types)

    def check_used(self, model: nn.Module) -> None:
        """A misspelt name must not pass in silence; a type that the model does not have may."""
        unused = [pattern for pattern in self._patterns if pattern not in self._used]
        if unused:
            known = ", ".join(name for name, _ in list(model.named_modules())[1:13])
            raise ValueError(
                f"skip: {unused} match no convolution or linear layer; the model has names such as {known} "
                "..."
            )

"""Models by name: ``torchvision:NAME``, a ``.pt2`` file, or ``module:function``."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mobilekernels.requirements import require

FORMS = (
    "torchvision:NAME, a .pt2 file, or module:function (a function without arguments that returns a module)"
)


@dataclass(frozen=True)
class Model:
    """A model and, where its source knows them, inputs for it.

    Attributes:
        source: the name it was asked for by.
        module: a torch.nn.Module, or the module of an exported program.
        example_inputs: one call's inputs, or None.
    """

    source: str
    module: nn.Module
    example_inputs: tuple[torch.Tensor, ...] | None


def load_model(source: str) -> Model:
    """Load a model by name.

    ``torchvision:NAME`` builds the network with random weights (seed 0), as weights would have to be
    downloaded: good for coverage and speed, not for accuracy. ``module:function`` calls the function; it may
    return a module or a pair (module, example inputs).

    Raises:
        ValueError: the name has none of the three forms, or names nothing.
        TypeError: what was found is no module.
    """
    if source.endswith(".pt2"):
        return _from_file(source)
    kind, separator, name = source.partition(":")
    if not separator or not kind or not name:
        raise ValueError(f"model: given {source!r}; accepted are {FORMS}")
    return _from_torchvision(source, name) if kind == "torchvision" else _from_function(source, kind, name)


def _from_file(source: str) -> Model:
    # Files hold operators by name: ours in a converted model, PT2E's in a quantized one.
    import torch.ao.quantization.fx._decomposed

    import mobilekernels  # noqa: F401

    if not Path(source).is_file():
        raise ValueError(f"model: given {source!r}, which is no file; accepted are {FORMS}")
    program = torch.export.load(source)
    example = program.example_inputs
    inputs = tuple(example[0]) if example is not None else None
    return Model(source, program.module(), inputs)


def _from_torchvision(source: str, name: str) -> Model:
    models: Any = require("torchvision.models", "demo", "torchvision:NAME")
    known = models.list_models(module=models)
    if name not in known:
        raise ValueError(f"model: given {source!r}; torchvision.models has {', '.join(known)}")
    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)
        size = 299 if name == "inception_v3" else 224
        options: dict[str, Any] = {"init_weights": True} if name in ("inception_v3", "googlenet") else {}
        module = models.get_model(name, weights=None, **options).eval()
        return Model(source, module, (torch.randn(1, 3, size, size),))
    finally:
        torch.set_rng_state(state)


def _from_function(source: str, module_name: str, function: str) -> Model:
    try:
        target: Any = importlib.import_module(module_name)
        for part in function.split("."):
            target = getattr(target, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"model: given {source!r}, which cannot be found ({error}); accepted are {FORMS}"
        ) from error
    result = target() if callable(target) and not isinstance(target, nn.Module) else target
    inputs: Any = None
    if isinstance(result, tuple) and len(result) == 2:
        result, inputs = result
    if isinstance(inputs, torch.Tensor):
        inputs = (inputs,)
    if not isinstance(result, nn.Module):
        raise TypeError(f"model: {source} gave a {type(result).__name__}; accepted is a torch.nn.Module")
    if inputs is not None and not (
        isinstance(inputs, tuple) and all(isinstance(i, torch.Tensor) for i in inputs)
    ):
        raise TypeError(f"model: {source} gave example inputs that are no tuple of tensors")
    # A PT2E graph refuses .eval(), and needs none.
    if not isinstance(result, torch.fx.GraphModule):
        result.eval()
    return Model(source, result, inputs)

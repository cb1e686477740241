"""The first step of every export: the network as an ExportedProgram, of any batch where it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.export import ExportedProgram

from mobilekernels.converted import ConvertedModel
from mobilekernels.dynamic_batch import export_dynamic

Batch = Literal["dynamic", "static"]


@dataclass(frozen=True)
class Traced:
    """A network as torch.export sees it; `why_static` is empty where the batch is what was asked for."""

    program: ExportedProgram
    batch: Batch
    why_static: str = ""


def trace(model: nn.Module, inputs: tuple[Any, ...], max_batch: int | None = None) -> Traced:
    """Exports a network.

    Args:
        max_batch: the largest batch; None: any. 1: the batch is the example's, static.

    Raises:
        ValueError: the network does not run on the inputs, or torch.export cannot take it.
    """
    why = ""
    if max_batch != 1:
        try:
            return Traced(export_dynamic(model, inputs, max_batch), "dynamic")
        except Exception as error:  # torch.export raises a dozen types
            why = " ".join(str(error).strip().splitlines()[:1])
    try:
        with torch.no_grad():
            return Traced(torch.export.export(model, inputs), "static", why)
    except Exception as error:
        raise ValueError(
            f"export: model: torch.export cannot take it on the example inputs: {error}"
        ) from error


def as_module(model: Any) -> nn.Module:
    """What to export; raises TypeError or ValueError unless it runs on our operators."""
    if isinstance(model, ExportedProgram):
        model = model.module()
    accepted = "what mobilekernels.convert returns, alone or inside a module"
    if not isinstance(model, nn.Module):
        raise TypeError(f"export: model: given {type(model).__name__}, accepted {accepted}")
    if any(isinstance(module, ConvertedModel) for module in model.modules()) or _has_our_calls(model):
        return model
    raise ValueError(f"export: model: given a model that was not converted, accepted {accepted}")


def check_runs(model: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Raises ValueError unless the model runs on the inputs: a trace may pass what our operators refuse."""
    try:
        with torch.no_grad():
            model(*inputs)
    except Exception as error:
        raise ValueError(f"export: example_inputs: the model does not run on them: {error}") from error


def _has_our_calls(model: nn.Module) -> bool:
    return isinstance(model, torch.fx.GraphModule) and any(
        str(node.target).startswith("mobilekernels.") for node in model.graph.nodes
    )


def module_of(program: ExportedProgram) -> torch.fx.GraphModule:
    """The program to call: takes what the model takes, its buffers are attributes."""
    module = program.module()
    assert isinstance(module, torch.fx.GraphModule)
    return module

"""Pruned float models: captured by torch.export where they are modules, masks and batch norms folded."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from mobilekernels.frontends.pt2e import from_exported_program, from_pt2e
from mobilekernels.passes.fold_batch_norm import fold_batch_norms


def from_float(model: object, example_inputs: tuple[Any, ...]) -> fx.GraphModule:
    """The canonical graph of a float model: a module, what torch.export made of one, or that as a module."""
    from mobilekernels.pruning.fold import fold_masks
    from mobilekernels.quantization.capture import capture

    if isinstance(model, torch.export.ExportedProgram):
        canonical = from_exported_program(model)
    else:
        assert isinstance(model, nn.Module)
        exported = isinstance(model, fx.GraphModule) and _is_aten(model.graph)
        module = model if exported else capture(fold_masks(model), example_inputs, dynamic_batch=True)
        assert isinstance(module, fx.GraphModule)
        canonical = from_pt2e(module)
    fold_batch_norms(canonical)
    return canonical


def _is_aten(graph: fx.Graph) -> bool:
    calls = [node for node in graph.nodes if node.op == "call_function"]
    return bool(calls) and any(isinstance(node.target, torch._ops.OpOverload) for node in calls)

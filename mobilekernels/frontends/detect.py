"""What kind of model is this, and is it one that conversion can do something for?"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import torch
from torch import fx, nn

from mobilekernels.sparsity.plan import PRUNED


class SourceKind(Enum):
    PT2E = "PT2E graph module"
    EXPORTED_PROGRAM = "exported program"
    FX = "FX graph module"
    EAGER = "eager quantized model"
    PRUNED_FLOAT = "pruned float model"


QUANTIZED_MODULES = (
    "torch.ao.nn.quantized",
    "torch.ao.nn.intrinsic.quantized",
    "torch.nn.quantized",
    "torch.nn.intrinsic.quantized",
)


def is_quantized_module(module: nn.Module) -> bool:
    """Whether this is one of PyTorch's own quantized modules (its weights are packed, its tensors quint8)."""
    return any(type(module).__module__.startswith(name) for name in QUANTIZED_MODULES)


def detect(model: object) -> SourceKind:
    """The front end that reads `model`.

    Raises:
        TypeError: `model` is neither an nn.Module nor an ExportedProgram.
        ValueError: `model` is not quantized, and none of its weights is pruned.
    """
    from torch.export import ExportedProgram

    if isinstance(model, ExportedProgram):
        if has_quantize_ops(model.graph):
            return SourceKind.EXPORTED_PROGRAM
        return _pruned_float(model, model.state_dict.values())
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model: given {type(model).__name__}, accepted a quantized torch.nn.Module, "
            "torch.fx.GraphModule or torch.export.ExportedProgram"
        )
    graph = model.graph if isinstance(model, fx.GraphModule) else None
    if graph is not None and has_quantize_ops(graph):
        return SourceKind.PT2E
    if any(is_quantized_module(m) for m in model.modules()) or _has_quantized_tensors(graph):
        return SourceKind.EAGER if graph is None else SourceKind.FX
    from mobilekernels.pruning.fold import fold_masks, has_masks

    plain = fold_masks(model) if has_masks(model) else model
    return _pruned_float(model, plain.state_dict().values())


def has_quantize_ops(graph: fx.Graph) -> bool:
    """Whether the graph holds the quantized_decomposed operators that PT2E leaves."""
    return any("quantized_decomposed.quantize_per" in str(n.target) for n in graph.nodes) or any(
        "quantized_decomposed.dequantize_per" in str(n.target) for n in graph.nodes
    )


def _has_quantized_tensors(graph: fx.Graph | None) -> bool:
    if graph is None:
        return False
    return any(str(n.target).startswith("quantized.") for n in graph.nodes if n.op == "call_function")


def _pruned_float(model: object, tensors: Iterable[object]) -> SourceKind:
    if any(isinstance(t, torch.Tensor) and _is_pruned(t) for t in tensors):
        return SourceKind.PRUNED_FLOAT
    raise ValueError(
        f"model: given {type(model).__name__} without quantized operators (a float model), accepted a "
        "quantized model, or a float one that was pruned; call mobilekernels.quantize(model, "
        "calibration_data) first"
    )


def _is_pruned(tensor: torch.Tensor) -> bool:
    weight = tensor.is_floating_point() and tensor.dim() in (2, 4) and tensor.numel() > 0
    return weight and int(torch.count_nonzero(tensor)) <= (1 - PRUNED) * tensor.numel()

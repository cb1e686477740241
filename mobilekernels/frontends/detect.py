"""What kind of quantized model is this?"""

from __future__ import annotations

from enum import Enum

from torch import fx, nn


class SourceKind(Enum):
    PT2E = "PT2E graph module"
    EXPORTED_PROGRAM = "exported program"
    FX = "FX graph module"
    EAGER = "eager quantized model"


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
        ValueError: `model` is not quantized.
    """
    from torch.export import ExportedProgram

    if isinstance(model, ExportedProgram):
        _require(has_quantize_ops(model.graph), model)
        return SourceKind.EXPORTED_PROGRAM
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model: given {type(model).__name__}, accepted a quantized torch.nn.Module, "
            "torch.fx.GraphModule or torch.export.ExportedProgram"
        )
    graph = model.graph if isinstance(model, fx.GraphModule) else None
    if graph is not None and has_quantize_ops(graph):
        return SourceKind.PT2E
    _require(any(is_quantized_module(m) for m in model.modules()) or _has_quantized_tensors(graph), model)
    return SourceKind.EAGER if graph is None else SourceKind.FX


def has_quantize_ops(graph: fx.Graph) -> bool:
    """Whether the graph holds the quantized_decomposed operators that PT2E leaves."""
    return any("quantized_decomposed.quantize_per" in str(n.target) for n in graph.nodes) or any(
        "quantized_decomposed.dequantize_per" in str(n.target) for n in graph.nodes
    )


def _has_quantized_tensors(graph: fx.Graph | None) -> bool:
    if graph is None:
        return False
    return any(str(n.target).startswith("quantized.") for n in graph.nodes if n.op == "call_function")


def _require(quantized: bool, model: object) -> None:
    if not quantized:
        raise ValueError(
            f"model: given {type(model).__name__} without quantized operators (a float model), accepted a "
            "quantized model; call mobilekernels.quantize(model, calibration_data) first"
        )

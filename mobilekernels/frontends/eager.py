"""Eager quantized models (torch.ao.quantization.convert): traced by torch.fx, PyTorch's modules as leaves."""

from __future__ import annotations

from torch import fx, nn


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if isinstance(m, nn.Sequential):
            return False
        return m.__module__.startswith(("torch.nn", "torch.ao.nn"))


def trace_eager(model: nn.Module) -> fx.GraphModule:
    """The model as an FX graph that shares its modules.

    Raises:
        NotImplementedError: torch.fx cannot trace the model (control flow that depends on data).
    """
    if model.training:
        raise ValueError(
            "model: given a model in training mode, accepted one in evaluation mode (model.eval())"
        )
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # torch.fx raises many types, all of them about the model's own code
        raise NotImplementedError(
            f"model: torch.fx cannot trace {type(model).__name__}: {error}; accepted a model without "
            "control flow that depends on data"
        ) from error
    return fx.GraphModule(model, graph)

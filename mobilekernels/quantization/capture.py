"""Capture a float module as a graph of ATen operators, with a dynamic batch where the model allows it."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.fx import GraphModule

from mobilekernels.dynamic_batch import export_dynamic


def capture(model: nn.Module, example_inputs: tuple[torch.Tensor, ...], dynamic_batch: bool) -> GraphModule:
    """Export ``model`` in eval mode; the model itself is left as it was.

    Args:
        example_inputs: the model's inputs; with ``dynamic_batch`` their first dimension is the batch.
        dynamic_batch: whether to make the first dimension of every input dynamic. If the model forbids it,
            the graph is static and a UserWarning says why.

    Raises:
        ValueError: the model cannot be exported at all; the cause is chained.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        if dynamic_batch:
            try:
                return _module(export_dynamic(model, example_inputs))
            except Exception as error:  # torch.export raises a dozen types
                warnings.warn(
                    f"dynamic_batch: the model does not export with a dynamic batch ({_first_line(error)}); "
                    f"the quantized model accepts batch {example_inputs[0].shape[0]} only",
                    UserWarning,
                    stacklevel=3,
                )
        try:
            with torch.no_grad():
                return _module(torch.export.export(model, example_inputs))
        except Exception as error:
            raise ValueError(
                f"model: torch.export cannot capture {type(model).__name__} ({_first_line(error)})"
            ) from error
    finally:
        for module, training in modes.items():
            module.training = training


def _module(program: torch.export.ExportedProgram) -> GraphModule:
    module = program.module()
    assert isinstance(module, GraphModule)
    return module


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__

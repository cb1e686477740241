"""The way in: a quantized or pruned model of any kind to its canonical graph."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from mobilekernels.frontends.detect import SourceKind, detect


def to_canonical(model: object, example_inputs: tuple[Any, ...]) -> fx.GraphModule:
    """A new graph module of the form docs/design.md calls canonical; `model` is not changed.

    It takes the same tensors as `model`, flattened where `model` takes nested ones.

    Args:
        model: a quantized (or pruned float) nn.Module, GraphModule or ExportedProgram.
        example_inputs: positional inputs the model can be run on.

    Raises:
        TypeError, ValueError: see `detect`.
    """
    from mobilekernels.frontends.eager import trace_eager
    from mobilekernels.frontends.float_model import from_float
    from mobilekernels.frontends.fx_expand import expand
    from mobilekernels.frontends.pt2e import from_exported_program, from_pt2e

    kind = detect(model)
    if kind is SourceKind.EXPORTED_PROGRAM:
        return from_exported_program(model)
    if kind is SourceKind.PRUNED_FLOAT:
        return from_float(model, example_inputs)
    if kind is SourceKind.PT2E:
        assert isinstance(model, fx.GraphModule)
        return from_pt2e(model)
    assert isinstance(model, nn.Module)
    traced = model if isinstance(model, fx.GraphModule) else trace_eager(model)
    return expand(traced, example_inputs)

"""The main road: a quantized model in, the same model on our kernels out."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from mobilekernels.converted import ConvertedModel, InputSpec
from mobilekernels.report import Report


def convert(
    model: Any, example_inputs: torch.Tensor | tuple[Any, ...] | list[Any], *, narrow_weights: bool = True
) -> tuple[ConvertedModel, Report]:
    """Rewrites a quantized model onto our kernels.

    Args:
        model: quantized by PT2E (XNNPACKQuantizer, X86InductorQuantizer, `mobilekernels.quantize`), by FX
            graph mode, or eagerly; or an ExportedProgram of such a model. It is not changed.
        example_inputs: inputs the model can be run on: a tensor, or a tuple of what the model takes. The
            batch size of the example is not baked in.
        narrow_weights: weight codes of -128, which the kernels do not take, become -127, and the report says
            how many; False leaves layers that have any in float.

    Returns:
        The converted model and the report, which is also its `report`. An operator that cannot be converted
        stays in float between a dequantize and a quantize, and the report says why.

    Raises:
        TypeError: the model or the example inputs are of a type not listed.
        ValueError: the model is not quantized, or does not run on the example inputs.
        NotImplementedError: the model writes into its inputs, or torch.fx cannot trace it.
    """
    from mobilekernels.frontends import detect, to_canonical
    from mobilekernels.lowering import lower
    from mobilekernels.lowering.describe import describe
    from mobilekernels.lowering.fuse_residual import fuse_residual_adds
    from mobilekernels.passes import prepare
    from mobilekernels.segments.memory import memory_of
    from mobilekernels.segments.partition import fuse_segments

    inputs = _inputs(example_inputs)
    kind = detect(model)
    canonical = to_canonical(model, inputs)
    leaves = _leaves(canonical, inputs)
    remarks = _narrow(canonical) if narrow_weights else ()
    prepare(canonical, leaves)
    lowered = lower(canonical)
    fused = fuse_residual_adds(lowered.module)
    if fuse_segments(lowered.module):
        shapes = ", ".join("x".join(map(str, x.shape)) for x in leaves if isinstance(x, torch.Tensor))
        remarks += (f"activations for {shapes}: {memory_of(lowered.module, leaves)}",)
    report = Report(describe(canonical, lowered.notes, fused), kind.value, remarks)
    return ConvertedModel(lowered.module, report, _specs(canonical, leaves)), report


def _inputs(example_inputs: Any) -> tuple[Any, ...]:
    if isinstance(example_inputs, torch.Tensor):
        return (example_inputs,)
    if isinstance(example_inputs, (tuple, list)):
        return tuple(example_inputs)
    raise TypeError(
        f"example_inputs: given {type(example_inputs).__name__}, accepted a tensor or a tuple of inputs"
    )


def _placeholders(module: fx.GraphModule) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.op == "placeholder"]


def _leaves(canonical: fx.GraphModule, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """PT2E graphs take nested inputs flattened."""
    return inputs if len(_placeholders(canonical)) == len(inputs) else tuple(pytree.tree_leaves(inputs))


def _specs(canonical: fx.GraphModule, leaves: tuple[Any, ...]) -> tuple[InputSpec | None, ...]:
    return tuple(
        InputSpec.of(str(node.target), leaf) if isinstance(leaf, torch.Tensor) else None
        for node, leaf in zip(_placeholders(canonical), leaves, strict=True)
    )


def _narrow(canonical: fx.GraphModule) -> tuple[str, ...]:
    from mobilekernels.passes.narrow_weights import narrow_weights

    moved = narrow_weights(canonical)
    if not moved:
        return ()
    return (
        f"{sum(moved.values())} weight codes of -128 in {len(moved)} layers became -127 (narrow_weights)",
    )

"""The main road: a quantized or pruned model in, the same model on our kernels out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from mobilekernels.converted import ConvertedModel, InputSpec
from mobilekernels.report import LayerReport, Report

if TYPE_CHECKING:
    from mobilekernels.pruning.blocks import Block
    from mobilekernels.sparsity.curves import Curves
    from mobilekernels.sparsity.plan import Planner


def convert(
    model: Any,
    example_inputs: torch.Tensor | tuple[Any, ...] | list[Any],
    *,
    narrow_weights: bool = True,
    sparse: str | Block = "auto",
    curves: Curves | str | os.PathLike[str] | None = None,
    target: str | None = None,
) -> tuple[ConvertedModel, Report]:
    """Rewrites a quantized model onto our kernels, or the layers of a pruned float model.

    Args:
        model: quantized by PT2E (XNNPACKQuantizer, X86InductorQuantizer, `mobilekernels.quantize`), by FX
            graph mode, or eagerly; or an ExportedProgram of such a model. Or a float model (a module, masked
            or not, or an ExportedProgram), a weight of which is a quarter zeros or more. It is not changed.
        example_inputs: inputs the model can be run on: a tensor, or a tuple of what the model takes. The
            batch size of the example is not baked in.
        narrow_weights: weight codes of -128, which the kernels do not take, become -127, and the report says
            how many; False leaves layers that have any in float.
        sparse: which convolutions and linear layers skip the zeros of their weights. "auto": those where the
            break-even curves promise a gain, each in its better block (4x4 or 1x4); "never"; "always": all
            but depthwise ones; a block, (4, 4) or (1, 4): all but depthwise ones, in this block. The bytes of
            the results are the same, and every choice runs on every instruction set. Layers in float32 run
            `conv2d_f32` and `linear_f32` where PyTorch's operators are slower; their results differ by
            roundings.
        curves: a file of break-even curves, as ``python -m mobilekernels tune`` writes it. None: the file
            that the environment variable MOBILEKERNELS_CURVES names, else the curves that the package brings.
        target: the instruction set whose curves decide, such as "neon_dotprod" for a phone; None: the one
            that convolutions run on here.

    Returns:
        The converted model and the report, which is also its `report`. An operator that cannot be converted
        stays in float between a dequantize and a quantize, and the report says why.

    Raises:
        TypeError: an argument is of a type not listed.
        ValueError: the model is neither quantized nor pruned, or does not run on the example inputs; `sparse`
            or `target` is not one of those listed.
        FormatError: the file of curves is missing or damaged.
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
    planner = _planner(sparse, curves, target)
    kind = detect(model)
    canonical = to_canonical(model, inputs)
    leaves = _leaves(canonical, inputs)
    remarks = _narrow(canonical) if narrow_weights else ()
    prepare(canonical, leaves)
    lowered = lower(canonical, planner)
    fused = fuse_residual_adds(lowered.module)
    if fuse_segments(lowered.module):
        shapes = ", ".join("x".join(map(str, x.shape)) for x in leaves if isinstance(x, torch.Tensor))
        remarks += (f"activations for {shapes}: {memory_of(lowered.module, leaves)}",)
    layers = describe(canonical, lowered.notes, fused | lowered.absorbed)
    remarks += _sparsity_remarks(planner, layers)
    report = Report(layers, kind.value, remarks)
    return ConvertedModel(lowered.module, report, _specs(canonical, leaves)), report


def _inputs(example_inputs: Any) -> tuple[Any, ...]:
    if isinstance(example_inputs, torch.Tensor):
        return (example_inputs,)
    if isinstance(example_inputs, (tuple, list)):
        return tuple(example_inputs)
    raise TypeError(
        f"example_inputs: given {type(example_inputs).__name__}, accepted a tensor or a tuple of inputs"
    )


def _planner(sparse: Any, curves: Any, target: Any) -> Planner:
    from mobilekernels.dispatch import cpu_features, kernels
    from mobilekernels.errors import bad_argument
    from mobilekernels.sparsity.curve_file import find_curves
    from mobilekernels.sparsity.plan import Planner

    if target is None:
        target = next(k.isa for k in kernels() if k.family == "gemm" and k.chosen)
    elif not isinstance(target, str):
        raise bad_argument(TypeError, "convert", "target", type(target).__name__, "str or None")
    elif target not in cpu_features():
        raise bad_argument(
            ValueError, "convert", "target", f"{target!r}", f"one of {', '.join(cpu_features())}"
        )
    return Planner(sparse, find_curves(curves), target)


# Sources of curves that are no measurements.
_PROXIES = {"instructions": "counted instructions", "model": "a model"}


def _sparsity_remarks(planner: Planner, layers: tuple[LayerReport, ...]) -> tuple[str, ...]:
    """Where the choices come from; what is known of the layers themselves is in their rows."""
    from mobilekernels.sparsity.plan import PRUNED

    isa, origin = planner.isa, planner.curves.origin
    chosen = sum(1 for layer in layers if layer.block)
    # What stays in float has its advice.
    dense = (layer.sparsity for layer in layers if layer.status == "ours" and not layer.block)
    pruned = sum(1 for sparsity in dense if sparsity is not None and sparsity >= PRUNED)
    if planner.blind and pruned:
        why = f"no curve for {isa} in {origin} (python -m mobilekernels tune makes one)"
        return (f"layers with zeros that stay dense: {pruned}; {why}",)
    remarks = []
    if chosen:
        remarks.append(f"layers that skip zeros: {chosen} (sparse={planner.mode!r}, for {isa} by {origin})")
    proxies = dict.fromkeys(layer.gain_source for layer in layers if layer.gain_source in _PROXIES)
    if proxies:
        known_by = " and ".join(_PROXIES[each] for each in proxies)
        remarks.append(
            f"gains expected on {isa} are by {known_by}, not measured: "
            "run `python -m mobilekernels tune` on the device"
        )
    return tuple(remarks)


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

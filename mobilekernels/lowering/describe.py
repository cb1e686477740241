"""Notes of the lowering as rows of the report."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx

from mobilekernels.lowering.lower import LayerNote
from mobilekernels.passes import canonical_ops
from mobilekernels.passes.shapes import shape_of
from mobilekernels.passes.tables import computed_by_table
from mobilekernels.report import LayerReport, Shape
from mobilekernels.sparsity.plan import LayerPlan
from mobilekernels.sparsity.zeros import block_name

aten = torch.ops.aten


def describe(
    source: fx.GraphModule, notes: list[LayerNote], fused: dict[str, str]
) -> tuple[LayerReport, ...]:
    """The rows. `fused` names the adds that became part of a convolution, and the convolution."""
    from mobilekernels.dispatch import kernels

    chosen = {kernel.family: kernel.isa for kernel in kernels() if kernel.chosen}
    return tuple(_row(source, note, chosen, fused) for note in notes)


def _row(
    source: fx.GraphModule, note: LayerNote, chosen: dict[str, str], fused: dict[str, str]
) -> LayerReport:
    node = note.node
    kernel = f"{note.family}/{chosen[note.family]}" if note.family in chosen else note.family
    return LayerReport(
        name=node.name,
        op=op_name(node, source),
        input_shapes=_input_shapes(node),
        output_shape=shape_of(node),
        kernel=f"fused into {fused[node.name]}" if node.name in fused else kernel,
        status="ours" if note.family else "stock",
        reason=note.reason,
        macs=_macs(node),
        weight_bytes=note.weight_bytes,
        **_zeros(note.plan),
    )


def _zeros(plan: LayerPlan | None) -> dict[str, Any]:
    """What the report tells of a weight's zeros."""
    if plan is None:
        return {}
    return {
        "sparsity": plan.zeros.sparsity,
        "occupancy": {block_name(block): share for block, share in plan.zeros.occupancy.items()},
        "block": "" if plan.block is None else block_name(plan.block),
        "gain": plan.gain,
        "gain_source": plan.gain_source,
        "advice": plan.advice,
    }


def op_name(node: fx.Node, source: fx.GraphModule) -> str:
    """A short name: conv2d, add, hardswish, ... or the module's class."""
    if node.target is canonical_ops.lut:
        return computed_by_table(node)
    if node.op == "call_module":
        return type(source.get_submodule(str(node.target))).__name__
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name.split("::")[1]
    return getattr(node.target, "__name__", str(node.target))


def _input_shapes(node: fx.Node) -> tuple[Shape, ...]:
    sources = node.all_input_nodes
    if node.target in (canonical_ops.conv2d, aten.linear.default, canonical_ops.lut):
        sources = sources[:1]
    shapes = (shape_of(n) for n in sources)
    return tuple(s for s in shapes if s is not None)


def _macs(node: fx.Node) -> int:
    output = shape_of(node)
    weight: Any = node.args[1] if len(node.args) > 1 else None
    if (
        node.target not in (canonical_ops.conv2d, aten.linear.default)
        or output is None
        or not isinstance(weight, fx.Node)
    ):
        return 0
    shape = shape_of(weight)
    return 0 if shape is None else math.prod(output) * math.prod(shape[1:])

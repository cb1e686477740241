"""PT2E graphs: canonical already, but for input guards, pytree handling and in-place operators."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from mobilekernels.frontends.functionalize import functionalize


def from_exported_program(program: Any) -> fx.GraphModule:
    """The canonical graph of an ExportedProgram that holds quantized_decomposed operators."""
    return from_pt2e(program.module())


def from_pt2e(model: fx.GraphModule) -> fx.GraphModule:
    """The canonical graph of what convert_pt2e returns (XNNPACKQuantizer, X86InductorQuantizer or ours)."""
    import torch.ao.quantization.fx._decomposed  # noqa: F401  registers torch.ops.quantized_decomposed

    module = copy.deepcopy(model)
    _flatten_codegen(module.graph)
    for node in list(module.graph.nodes):
        if node.op == "call_module" and not node.users and str(node.target).startswith("_guards_fn"):
            # The converted model checks its inputs itself, without a baked batch size.
            module.graph.erase_node(node)
    functionalize(module.graph)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def _flatten_codegen(graph: fx.Graph) -> None:
    """Plain tensors in, the structure the user expects out, without pytree code in the generated forward."""
    codegen = graph._codegen
    info = getattr(codegen, "pytree_info", None)
    if info is None:
        return
    output = next(n for n in reversed(graph.nodes) if n.op == "output")
    if info.out_spec is not None:
        leaves = output.args[0]
        leaves = list(leaves) if isinstance(leaves, (list, tuple)) else [leaves]
        output.args = (_as_fx_argument(pytree.tree_unflatten(leaves, info.out_spec)),)
    graph.set_codegen(torch.fx.graph.CodeGen())


def _as_fx_argument(value: Any) -> Any:
    """torch.fx accepts tuples, lists, dicts and named tuples; other containers become dicts by field."""
    if isinstance(value, (fx.Node, tuple, list, dict)) or value is None:
        return value
    fields = getattr(value, "__dict__", None)
    if fields is None:
        raise NotImplementedError(
            f"model: returns a {type(value).__name__}, accepted tensors in tuples, lists, dicts"
        )
    return dict(fields)

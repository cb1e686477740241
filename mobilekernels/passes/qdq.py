"""Reading and writing quantize / dequantize nodes of a canonical graph."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import fx

from mobilekernels.qparams import QParams


def is_quantize(node: Any) -> TypeGuard[fx.Node]:
    """An activation's quantize_per_tensor to int8 with parameters in the graph."""
    return _is(node, "quantize_per_tensor") and node.args[5] is torch.int8


def is_dequantize(node: Any) -> TypeGuard[fx.Node]:
    """An activation's dequantize_per_tensor from int8 to float32."""
    if not _is(node, "dequantize_per_tensor") or node.args[5] is not torch.int8:
        return False
    return node.kwargs.get("out_dtype") in (None, torch.float32) and not is_constant(node.args[0])


def is_constant(node: Any) -> TypeGuard[fx.Node]:
    return isinstance(node, fx.Node) and node.op == "get_attr"


def is_weight_dequantize(node: Any) -> TypeGuard[fx.Node]:
    """A dequantize of a constant, with one scale or one for each channel."""
    named = _is(node, "dequantize_per_tensor") or _is(node, "dequantize_per_channel")
    return named and is_constant(node.args[0])


def qparams_of(node: fx.Node) -> QParams:
    """The parameters of an int8 quantize or dequantize node."""
    _, scale, zero_point, low, high, _ = node.args
    return QParams(scale, zero_point, low, high)  # type: ignore[arg-type]


def set_qparams(node: fx.Node, params: QParams) -> None:
    node.args = (node.args[0], *settings(params))


def settings(params: QParams) -> tuple[Any, ...]:
    """The arguments of a quantize or dequantize node after the tensor."""
    return (params.scale, params.zero_point, params.low, params.high, torch.int8)


def quantize(graph: fx.Graph, x: fx.Node, params: QParams) -> fx.Node:
    target = torch.ops.quantized_decomposed.quantize_per_tensor.default
    return graph.call_function(target, (x, *settings(params)))


def dequantize(graph: fx.Graph, codes: fx.Node, params: QParams) -> fx.Node:
    target = torch.ops.quantized_decomposed.dequantize_per_tensor.default
    return graph.call_function(target, (codes, *settings(params)))


def sole_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def constant(module: fx.GraphModule, node: fx.Node) -> torch.Tensor:
    """The tensor of a get_attr node."""
    owner: Any = module
    for part in str(node.target).split("."):
        owner = getattr(owner, part)
    return owner.detach() if isinstance(owner, torch.Tensor) else torch.as_tensor(owner)


def add_constant(module: fx.GraphModule, name: str, tensor: torch.Tensor) -> str:
    """Registers a buffer under a name that is still free and returns it."""
    unique, count = name, 0
    while hasattr(module, unique):
        count += 1
        unique = f"{name}_{count}"
    module.register_buffer(unique, tensor)
    return unique


def _is(node: Any, name: str) -> TypeGuard[fx.Node]:
    if not isinstance(node, fx.Node) or not isinstance(node.target, torch._ops.OpOverload):
        return False
    schema = node.target._schema
    return schema.name == f"quantized_decomposed::{name}" and not schema.overload_name

"""Read a PT2E graph: where it is quantized, and with which parameters."""

from __future__ import annotations

from typing import Any

import torch
import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed
from torch import nn
from torch.fx import GraphModule, Node

from mobilekernels.quantization import quantize

Q = torch.ops.quantized_decomposed.quantize_per_tensor.default
DQ = torch.ops.quantized_decomposed.dequantize_per_tensor.default
DQ_CHANNELS = torch.ops.quantized_decomposed.dequantize_per_channel.default


def quantized(model: nn.Module, *shape: int, **options: Any) -> GraphModule:
    """Quantize on four random batches."""
    data = [torch.randn(*shape) for _ in range(4)]
    return quantize(model, data, progress=False, **options)


def operators(graph: GraphModule) -> list[Node]:
    """The float operators of the graph: all but quantize, dequantize, bookkeeping."""
    return [
        node
        for node in graph.graph.nodes
        if node.op == "call_function"
        and node.target not in (Q, DQ, DQ_CHANNELS)
        and not str(node.target).startswith(("aten.sym_size", "<built-in function getitem>"))
    ]


def find(graph: GraphModule, target: Any) -> Node:
    """The one node of that target."""
    (found,) = [node for node in graph.graph.nodes if node.target is target]
    return found


def input_params(node: Node, index: int = 0) -> tuple[float, int]:
    """Scale and zero point of an input that is dequantized."""
    source = node.args[index]
    assert isinstance(source, Node)
    assert source.target is DQ, f"{node} reads {source}, which is not dequantized"
    return source.args[1], source.args[2]  # type: ignore[return-value]


def output_params(node: Node) -> tuple[float, int]:
    """Scale and zero point of an output that is quantized, and read in no other way."""
    targets = {user.target for user in node.users}
    assert targets == {Q}, f"{node} is read by {targets}"
    (user,) = node.users
    return user.args[1], user.args[2]  # type: ignore[return-value]


def float_readers(graph: GraphModule) -> list[str]:
    """Operators that read or give an activation which is not int8 on its way."""
    inside = set(operators(graph))
    found = []
    for node in inside:
        loose_in = [s for s in node.all_input_nodes if s.op == "placeholder"]
        loose_out = [u for u in node.users if u.op == "output"]
        if loose_in or loose_out:
            found.append(str(node))
    return found

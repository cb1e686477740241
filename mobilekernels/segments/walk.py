"""What runs in a converted graph, inside segments and between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import fx

from mobilekernels.segments.program import Program, operator_of


def calls(graph_module: fx.GraphModule) -> Iterator[tuple[Any, Sequence[Any]]]:
    """Each call's target and arguments: nodes of the graph, or None for a value inside a segment."""
    for node in graph_module.graph.nodes:
        if node.op != "call_function":
            continue
        if node.target is not torch.ops.mobilekernels.segment.default:
            yield node.target, node.args
            continue
        inputs, constants, text = node.args
        program = Program.parse(text)
        values = [*inputs, *constants, *[None] * len(program.steps)]
        for step in program.steps:
            yield operator_of(step.name), step.arguments(values)

"""Shapes of the example inputs' journey through a graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

_KEY = "example_shape"


class _Recorder(fx.Interpreter):
    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            n.meta[_KEY] = tuple(result.shape)
        else:
            n.meta.pop(_KEY, None)
        return result


def propagate_shapes(module: fx.GraphModule, example_inputs: tuple[Any, ...]) -> None:
    """Runs the graph once and leaves in each node the shape its result had.

    Raises:
        ValueError: the model does not run on the example inputs.
    """
    expected = sum(n.op == "placeholder" for n in module.graph.nodes)
    if len(example_inputs) != expected:
        raise ValueError(f"example_inputs: given {len(example_inputs)} values, accepted {expected}")
    try:
        with torch.no_grad():
            _Recorder(module).run(*example_inputs)
    except Exception as error:  # whatever an operator raises, the cause is the pair of model and inputs
        raise ValueError(f"example_inputs: the model does not run on them: {error}") from error


def set_shape(node: fx.Node, shape: tuple[int, ...]) -> None:
    """For nodes that passes add."""
    node.meta[_KEY] = shape


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """The shape on the example inputs; None for what is no tensor."""
    return node.meta.get(_KEY)

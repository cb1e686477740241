"""Correct biases so that every quantized layer has the float layer's mean output, channel by channel.

Rounding weights shifts the mean of a layer's output, and the shifts add up through the network; a depthwise
channel has only a few weights, which do not average out. The bias can undo a shift exactly. Layers are
corrected in order, each one behind those that were corrected before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule, Node
from torch.fx.node import map_arg

from mobilekernels.quantization.operators import COMPUTE, CONV

# Rows of calibration data that are kept for the correction, as all of a layer's maps are in memory at once.
ROWS = 32

# With few rows the measured shift is mostly chance: it counts by rows / (rows + PRIOR_ROWS).
PRIOR_ROWS = 4

Inputs = tuple[torch.Tensor, ...]


class Samples:
    """The first rows of the calibration data."""

    def __init__(self, rows: int = ROWS) -> None:
        self.limit = rows
        self.rows = 0
        self.kept: list[Inputs] = []

    def add(self, inputs: Inputs) -> None:
        """Keep a call's inputs if there is room."""
        if self.rows < self.limit:
            self.kept.append(inputs)
            self.rows += inputs[0].shape[0] if inputs[0].dim() else 1


def channel_means(
    model: GraphModule, samples: Samples, leave_out: Callable[[nn.Module], bool]
) -> dict[str, Any]:
    """Mean output float64 [channels] of each convolution and linear of a graph, by node name.

    Args:
        leave_out: submodules that give back their input, such as observers, and need not see the data again.
    """
    means: dict[str, Any] = {}

    def note(node: Node, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
        means[node.name] = _mean(node, outputs)
        return outputs

    _run_in_step(model, samples.kept, note, leave_out)
    return means


def correct_biases(model: GraphModule, samples: Samples, wanted: dict[str, Any]) -> int:
    """Move the biases of the quantized layers of a PT2E graph, in place; returns how many were moved.

    Args:
        model: the quantized graph.
        samples: data to measure on, the same that ``wanted`` comes from.
        wanted: mean outputs of the float graph, from :func:`channel_means`.
    """
    trust = samples.rows / (samples.rows + PRIOR_ROWS)
    corrected: list[Node] = []

    def correct(node: Node, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
        if node.name not in wanted or not _is_quantized(node):
            return outputs
        shift = ((wanted[node.name] - _mean(node, outputs)) * trust).float()
        _add_to_bias(model, node, shift)
        corrected.append(node)
        broadcast = shift.view(-1, 1, 1) if node.target in CONV else shift
        return [output + broadcast for output in outputs]

    _run_in_step(model, samples.kept, correct, lambda module: False)
    model.graph.eliminate_dead_code()
    model.recompile()
    return len(corrected)


def _run_in_step(
    model: GraphModule,
    calls: Sequence[Inputs],
    after_layer: Callable[[Node, list[torch.Tensor]], list[torch.Tensor]],
    leave_out: Callable[[nn.Module], bool],
) -> None:
    """Run all calls through the graph node by node; ``after_layer`` may replace a layer's outputs."""
    values: dict[Node, list[Any]] = {}
    last_reader = {source: node for node in model.graph.nodes for source in node.all_input_nodes}
    expires: dict[Node, list[Node]] = {}
    for source, reader in last_reader.items():
        expires.setdefault(reader, []).append(source)
    placeholders = iter(range(len(calls[0])))
    for node in list(model.graph.nodes):
        if node.op == "output":
            break
        if node.op == "placeholder":
            index = next(placeholders)
            values[node] = [call[index] for call in calls]
        else:
            values[node] = _execute(model, node, values, len(calls), leave_out)
        if node.target in COMPUTE:
            values[node] = after_layer(node, values[node])
        for source in expires.get(node, ()):
            del values[source]


def _execute(
    model: GraphModule,
    node: Node,
    values: dict[Node, list[Any]],
    calls: int,
    leave_out: Callable[[nn.Module], bool],
) -> list[Any]:
    if node.op == "get_attr":
        return [_attribute(model, str(node.target))] * calls
    function: Any = node.target
    if node.op == "call_module":
        function = model.get_submodule(str(node.target))
        if leave_out(function):
            assert isinstance(node.args[0], Node)
            return values[node.args[0]]
    results = []
    for index in range(calls):
        args, kwargs = map_arg((node.args, node.kwargs), lambda source: values[source][index])  # noqa: B023
        results.append(function(*args, **kwargs))
    return results


def _attribute(model: GraphModule, name: str) -> Any:
    # PT2E registers tensors under names with dots, which get_parameter takes for submodules.
    for table in (model._parameters, model._buffers):
        if name in table:
            return table[name]
    owner, _, last = name.rpartition(".")
    return getattr(model.get_submodule(owner), last)


def _mean(node: Node, outputs: Iterable[torch.Tensor]) -> torch.Tensor:
    channel = 1 if node.target in CONV else -1
    rows = torch.cat([output.movedim(channel, -1).flatten(0, -2) for output in outputs])
    return rows.mean(0, dtype=torch.float64)


def _is_quantized(node: Node) -> bool:
    weight = node.args[1]
    return isinstance(weight, Node) and "dequantize" in str(weight.target)


def _add_to_bias(model: GraphModule, node: Node, shift: torch.Tensor) -> None:
    """A bias of the node's own: two layers may share one, and a layer may have none."""
    old = node.args[2] if len(node.args) > 2 else None
    bias = shift if old is None else _attribute(model, str(old.target)) + shift  # type: ignore[union-attr]
    name = f"{node.name}_corrected_bias"
    model.register_buffer(name, bias.detach().clone())
    with model.graph.inserting_before(node):
        new = model.graph.get_attr(name)
    if isinstance(old, Node):
        new.meta.update(old.meta)
    node.args = (*node.args[:2], new, *node.args[3:])

"""Finds the parts of a lowered graph that can run from one call, and puts the call in their place."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner
from torch.fx.passes.operator_support import OperatorSupportBase
from torch.fx.passes.utils.fuser_utils import fuse_by_partitions

from mobilekernels.segments.program import FLATTEN, Program, Step, is_tensor, name_of

# One operator is quicker called by itself.
_FEWEST = 2


class _Supported(OperatorSupportBase):
    def is_node_supported(self, submodules: Mapping[str, nn.Module], node: fx.Node) -> bool:
        return node.op == "call_function" and name_of(node.target) is not None


def fuse_segments(module: fx.GraphModule) -> int:
    """Replaces each connected part made of our operators by one call of `mobilekernels::segment`.

    Returns:
        How many segments there are. The graph is changed in place; its buffers stay where they are.
    """
    partitioner = CapabilityBasedPartitioner(module, _Supported(), allows_single_node_partition=False)
    partitions = [
        list(partition.nodes)
        for partition in partitioner.propose_partitions()
        if sum(node.target is not FLATTEN for node in partition.nodes) >= _FEWEST
    ]
    if not partitions:
        return 0
    # It orders what is around a part legally; the submodules it makes are read and thrown away.
    fused = fuse_by_partitions(module, [dict.fromkeys(nodes) for nodes in partitions], prefix="segment_")
    for node in list(fused.graph.nodes):
        if node.op == "call_module" and str(node.target).startswith("segment_"):
            _replace(fused, node)
    fused.graph.lint()
    module.recompile()
    return len(partitions)


def _replace(module: fx.GraphModule, call: fx.Node) -> None:
    submodule = module.get_submodule(str(call.target))
    assert isinstance(submodule, fx.GraphModule)
    constants = [argument for argument in call.args if _is_constant(argument)]
    inputs = [argument for argument in call.args if not _is_constant(argument)]
    order = {argument: index for index, argument in enumerate([*inputs, *constants])}
    placeholders = [node for node in submodule.graph.nodes if node.op == "placeholder"]
    values = {
        placeholder: order[argument] for placeholder, argument in zip(placeholders, call.args, strict=True)
    }
    program, several = _program(submodule.graph, values, len(inputs), len(constants))
    graph = module.graph
    with graph.inserting_before(call):
        results = graph.call_function(
            torch.ops.mobilekernels.segment.default, (inputs, constants, program.text())
        )
        if not several:
            first = graph.call_function(operator.getitem, (results, 0))
            call.replace_all_uses_with(first)
    if several:
        call.replace_all_uses_with(results)
    graph.erase_node(call)
    delattr(module, str(call.target))


def _is_constant(argument: Any) -> bool:
    return isinstance(argument, fx.Node) and argument.op == "get_attr"


def _program(
    graph: fx.Graph, values: dict[fx.Node, int], inputs: int, constants: int
) -> tuple[Program, bool]:
    """The program of a submodule's graph, and whether the submodule gives a tuple."""
    steps: list[Step] = []
    for node in graph.nodes:
        if node.op == "call_function":
            values[node] = inputs + constants + len(steps)
            steps.append(_step(node, values))
    (returned,) = next(node for node in graph.nodes if node.op == "output").args
    several = isinstance(returned, (list, tuple))
    outputs = tuple(values[node] for node in (returned if several else [returned]))
    return Program(inputs, constants, tuple(steps), outputs), several


def _step(node: fx.Node, values: dict[fx.Node, int]) -> Step:
    name = name_of(node.target)
    assert name is not None
    schema = node.target._schema  # type: ignore[union-attr]
    read: list[int] = []
    numbers: list[Any] = []
    for index, argument in enumerate(schema.arguments):
        given: Any = node.args[index] if index < len(node.args) else argument.default_value
        if not is_tensor(argument):
            numbers.append(given)
        elif isinstance(given, (list, tuple)):
            read += [values[item] for item in given]
        else:
            read.append(values[given])
    return Step(name, tuple(read), tuple(numbers), str(node.meta.get("canonical_name", node.name)))

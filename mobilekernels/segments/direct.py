"""A converted graph that is one segment and nothing else, called without the code that torch.fx makes of it.

That code gets each buffer by `self.name`, which nn.Module answers in Python: for fifty weights 30 us a call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.graph import CodeGen

import mobilekernels._lib  # noqa: F401

_SEGMENT = torch.ops.mobilekernels.segment.default


@dataclass(frozen=True)
class Direct:
    """How to call the segment; right as long as the module's code is `code`."""

    code: str
    inputs: tuple[int, ...]  # of the graph's
    constants: Callable[[dict[str, Tensor | None]], Any]  # of the module's buffers
    program: str
    outputs: tuple[int, ...]  # of the segment's
    container: type | None  # what holds the outputs; None: there is one, bare

    @staticmethod
    def of(module: fx.GraphModule) -> Direct | None:
        """None where the graph is more than one segment."""
        nodes = list(module.graph.nodes)
        calls = [node for node in nodes if node.op in ("call_function", "call_module", "call_method")]
        segments = [node for node in calls if node.target is _SEGMENT]
        plain = type(module.graph._codegen) is CodeGen
        if len(segments) != 1 or not plain:
            return None
        (segment,) = segments
        if any(node is not segment and not _is_result(node, segment) for node in calls):
            return None
        inputs, constants, program = segment.args
        placeholders = [node for node in nodes if node.op == "placeholder"]
        names = [str(node.target) for node in constants]
        (returned,) = next(node for node in nodes if node.op == "output").args
        results = list(returned) if isinstance(returned, (list, tuple)) else [returned]
        if (
            len(names) < 2  # itemgetter then gives no tuple
            or not all(name in module._buffers for name in names)
            or not all(node in placeholders for node in inputs)
            or not all(_is_result(node, segment) for node in results)
            or type(returned) not in (fx.Node, list, tuple, fx.immutable_collections.immutable_list)
        ):
            return None
        kind = None if isinstance(returned, fx.Node) else tuple if isinstance(returned, tuple) else list
        return Direct(
            module._code,
            tuple(placeholders.index(node) for node in inputs),
            operator.itemgetter(*names),
            program,
            tuple(node.args[1] for node in results),
            kind,
        )

    def fits(self, module: fx.GraphModule) -> bool:
        """Whether the module is still what this was made of, and nobody listens to its calls."""
        return module._code is self.code and not module._forward_hooks and not module._forward_pre_hooks

    def __call__(self, module: fx.GraphModule, leaves: tuple[Any, ...]) -> Any:
        """What the module would give for these inputs."""
        results = _SEGMENT([leaves[i] for i in self.inputs], self.constants(module._buffers), self.program)
        if self.container is None:
            return results[self.outputs[0]]
        return self.container(results[i] for i in self.outputs)


def _is_result(node: Any, segment: fx.Node) -> bool:
    return isinstance(node, fx.Node) and node.target is operator.getitem and node.args[0] is segment

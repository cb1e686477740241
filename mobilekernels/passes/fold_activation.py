"""ReLU, ReLU6, hardtanh, clamp before a quantize become bounds on its codes.

quantize is monotone, so quantize(clamp(x, a, b)) is clamp(quantize(x), quantize(a), quantize(b)), exactly.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.qdq import is_quantize, qparams_of, set_qparams, sole_user

aten = torch.ops.aten

# Operators whose kernels clamp their output anyway.
CLAMPING_PRODUCERS: frozenset[Any] = frozenset(
    {
        canonical_ops.conv2d, aten.linear.default, aten.add.Tensor, aten.mul.Tensor, aten.avg_pool2d.default,
        aten.adaptive_avg_pool2d.default, aten.mean.dim,
    }
)  # fmt: skip


def fold_activations(module: fx.GraphModule) -> None:
    """Rewrites q(act(x)) as q(x) with narrower codes, where x is used by nothing else and clamps for free."""
    graph = module.graph
    for node in list(graph.nodes):
        while is_quantize(node):
            activation: Any = node.args[0]
            bounds = clamp_bounds(activation)
            if bounds is None or sole_user(activation) is not node or not _ends_in_producer(activation):
                break
            params = qparams_of(node)
            low = params.low if bounds[0] is None else params.code_of(bounds[0])
            high = params.high if bounds[1] is None else params.code_of(bounds[1])
            set_qparams(node, params.clamped(low, high))
            node.replace_input_with(activation, activation.args[0])
            graph.erase_node(activation)


def clamp_bounds(node: Any) -> tuple[float | None, float | None] | None:
    """(min, max) of an operator that is a clamp by constants; None for any other."""
    if not isinstance(node, fx.Node):
        return None
    args = node.args[1:]
    if node.target is aten.relu.default:
        return (0.0, None)
    if node.target is aten.relu6.default:
        return (0.0, 6.0)
    if node.target is aten.hardtanh.default:
        bounds: list[Any] = [*args, *[-1.0, 1.0][len(args) :]]
        low, high = bounds
    elif node.target is aten.clamp.default:
        low = args[0] if args else node.kwargs.get("min")
        high = args[1] if len(args) > 1 else node.kwargs.get("max")
    elif node.target is aten.clamp_min.default:
        low, high = args[0], None
    elif node.target is aten.clamp_max.default:
        low, high = None, args[0]
    else:
        return None
    if not all(b is None or isinstance(b, (int, float)) for b in (low, high)):
        return None
    return (low, high)


def _ends_in_producer(node: fx.Node) -> bool:
    """Through a chain of clamps that nothing else reads."""
    source: Any = node.args[0]
    while clamp_bounds(source) is not None and sole_user(source) is not None:
        source = source.args[0]
    return (
        isinstance(source, fx.Node) and source.target in CLAMPING_PRODUCERS and sole_user(source) is not None
    )

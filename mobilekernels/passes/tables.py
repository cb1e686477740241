"""Element-by-element float operators between one int8 value and one quantize: a table of 256 entries.

The table is made by running these very operators on the 256 dequantized codes, so it is the reference
itself: hardswish, x * sigmoid(x), a change of scale, or any chain of such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.grid import grid_of
from mobilekernels.passes.qdq import (
    add_constant,
    constant,
    is_constant,
    is_dequantize,
    is_quantize,
    qparams_of,
    quantize,
    set_qparams,
)
from mobilekernels.qparams import QParams, all_codes

aten = torch.ops.aten

ELEMENTWISE: frozenset[Any] = frozenset(
    {
        aten.relu.default, aten.relu6.default, aten.hardtanh.default, aten.clamp.default,
        aten.clamp_min.default, aten.clamp_max.default, aten.hardswish.default,
        aten.hardsigmoid.default, aten.sigmoid.default,
        aten.silu.default, aten.mish.default, aten.gelu.default, aten.tanh.default, aten.leaky_relu.default,
        aten.elu.default, aten.celu.default, aten.selu.default, aten.softplus.default,
        aten.hardshrink.default, aten.softshrink.default, aten.threshold.default, aten.log_sigmoid.default,
        aten.exp.default, aten.expm1.default, aten.log.default, aten.log1p.default, aten.sqrt.default,
        aten.rsqrt.default, aten.reciprocal.default, aten.square.default, aten.abs.default, aten.neg.default,
        aten.sin.default, aten.cos.default, aten.erf.default, aten.floor.default, aten.ceil.default,
        aten.round.default, aten.pow.Tensor_Scalar, aten.add.Tensor, aten.add.Scalar, aten.sub.Tensor,
        aten.sub.Scalar, aten.rsub.Scalar, aten.mul.Tensor, aten.mul.Scalar, aten.div.Tensor, aten.div.Scalar,
        aten.maximum.default, aten.minimum.default,
    }
)  # fmt: skip


_COMPUTES = "computes"


@dataclass
class _Region:
    """The operators between a source on a grid and a quantize."""

    source: fx.Node | None = None
    nodes: set[fx.Node] = field(default_factory=set)


def make_tables(module: fx.GraphModule) -> None:
    """Rewrites q(f(x)) as lut(codes of x, table) wherever x is one value on a grid and f is elementwise."""
    graph = module.graph
    for node in list(graph.nodes):
        if not is_quantize(node):
            continue
        region = _Region()
        if not _collect(module, node.args[0], region) or region.source is None:
            continue
        grid = grid_of(region.source)
        assert grid is not None
        if not region.nodes and qparams_of(node).covers(grid):
            continue
        name = add_constant(module, f"{node.name}_table", _table(module, node, region, grid))
        with graph.inserting_before(node):
            codes = _codes(graph, region.source, grid)
            lut = graph.call_function(canonical_ops.lut, (codes, graph.get_attr(name)))
        lut.meta = {**node.meta, _COMPUTES: _described(graph, region)}
        node.replace_all_uses_with(lut)
        graph.erase_node(node)
    graph.eliminate_dead_code()


def computed_by_table(lut: fx.Node) -> str:
    """What a table stands for: the names of the operators it was made of."""
    return str(lut.meta.get(_COMPUTES, "lut"))


def fold_clamp_tables(module: fx.GraphModule) -> None:
    """A table that only clamps becomes bounds of the quantize before it (conv, q, dq, relu6, q of PT2E)."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.target is not canonical_ops.lut:
            continue
        codes, entries = node.args
        if not is_quantize(codes) or len(codes.users) > 1:
            continue
        params = qparams_of(codes)
        table = constant(module, entries).to(torch.int64)
        low, high = int(table.min()), int(table.max())
        used = slice(params.low + 128, params.high + 129)
        if torch.equal(table[used], all_codes().to(torch.int64).clamp(low, high)[used]):
            set_qparams(codes, params.clamped(low, high))
            node.replace_all_uses_with(codes)
            graph.erase_node(node)
    graph.eliminate_dead_code()


def _collect(module: fx.GraphModule, value: Any, region: _Region) -> bool:
    """Adds what `value` is computed from; False where it is not a function of one value on a grid."""
    if not isinstance(value, fx.Node):
        return not isinstance(value, (tuple, list))
    if is_constant(value):
        return constant(module, value).dim() == 0
    if grid_of(value) is not None:
        region.source = region.source or value
        return region.source is value
    if value in region.nodes:
        return True
    if value.target not in ELEMENTWISE:
        return False
    region.nodes.add(value)
    return all(_collect(module, a, region) for a in (*value.args, *value.kwargs.values()))


def _table(module: fx.GraphModule, node: fx.Node, region: _Region, grid: QParams) -> torch.Tensor:
    assert region.source is not None
    values: dict[fx.Node, torch.Tensor] = {region.source: grid.dequantize(all_codes())}

    def value(n: fx.Node) -> torch.Tensor:
        return constant(module, n) if is_constant(n) else values[n]

    with torch.no_grad():
        for n in module.graph.nodes:
            if n in region.nodes:
                operator: Any = n.target
                values[n] = operator(*fx.map_arg(n.args, value), **fx.map_arg(n.kwargs, value))
        return qparams_of(node).quantize(values[node.args[0]])  # type: ignore[index]


def _described(graph: fx.Graph, region: _Region) -> str:
    names = [str(n.target).split(".")[1] for n in graph.nodes if n in region.nodes]
    return "+".join(names) or "requantize"


def _codes(graph: fx.Graph, source: fx.Node, grid: QParams) -> fx.Node:
    if is_dequantize(source):
        assert isinstance(source.args[0], fx.Node)
        return source.args[0]
    codes = quantize(graph, source, grid)
    codes.meta = dict(source.meta)
    return codes

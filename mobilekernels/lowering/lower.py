"""One walk over the canonical graph that builds the graph of our operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from mobilekernels.lowering.registry import Declined, Result, rule_of
from mobilekernels.lowering.values import Layout, QuantizedWeight, Value
from mobilekernels.passes.qdq import (
    constant,
    is_constant,
    is_dequantize,
    is_quantize,
    is_weight_dequantize,
    qparams_of,
    sole_user,
)
from mobilekernels.passes.shapes import shape_of
from mobilekernels.passes.tables import ELEMENTWISE
from mobilekernels.qparams import QParams, all_codes
from mobilekernels.sparsity.plan import LayerPlan, Planner

aten = torch.ops.aten
ours = torch.ops.mobilekernels


@dataclass(frozen=True)
class LayerNote:
    """What became of one operator of the canonical graph; `family` is empty where it stayed in float."""

    node: fx.Node
    family: str = ""
    reason: str = ""
    weight_bytes: int = 0
    plan: LayerPlan | None = None


@dataclass(frozen=True)
class Lowered:
    """The new graph module and a note for each operator, in the order of the canonical graph.

    Attributes:
        absorbed: operators that became part of another one, and that one's name.
    """

    module: fx.GraphModule
    notes: list[LayerNote]
    absorbed: dict[str, str]


def lower(source: fx.GraphModule, planner: Planner | None = None) -> Lowered:
    """Lowers a canonical graph that `passes.prepare` went over. `source` is not changed.

    Args:
        planner: decides which weights are packed sparse; None packs all of them dense.
    """
    return Lowering(source, planner).run()


class Lowering:
    """The state of the walk, and what rules build with."""

    def __init__(self, source: fx.GraphModule, planner: Planner | None = None) -> None:
        self.source = source
        self.planner = planner
        self.graph = fx.Graph()
        self.root = nn.Module()
        self.notes: list[LayerNote] = []
        self._values: dict[fx.Node, Value] = {}
        self._strided: set[fx.Node] = set()
        self._absorbed: dict[fx.Node, tuple[Value, str]] = {}

    def run(self) -> Lowered:
        for node in self.source.graph.nodes:
            if node.op == "output":
                self.graph.output(fx.map_arg(node.args[0], self._argument))
            else:
                value = self._visit(node)
                if value.shape is None:
                    value.shape = shape_of(node)
                self._values[node] = value
        module = fx.GraphModule(self.root, self.graph, "ConvertedGraph")
        module.graph.eliminate_dead_code()
        module.delete_all_unused_submodules()
        module.recompile()
        absorbed = {node.name: name for node, (_, name) in self._absorbed.items()}
        return Lowered(module, self.notes, absorbed)

    # What rules read.

    def value(self, node: Any) -> Value:
        return self._values[node]

    def quantized(self, node: Any) -> Value | str:
        """The value if it is on an int8 grid, else the reason."""
        if not isinstance(node, fx.Node):
            return f"an operand is the number {node!r} and the output is not quantized"
        value = self._values[node]
        if value.qparams is None or value.codes:
            return "input is not quantized"
        return value

    def quantize_after(self, node: fx.Node) -> QParams | None:
        """The parameters of the quantize that is the only reader of `node`."""
        user = sole_user(node)
        return qparams_of(user) if is_quantize(user) else None

    # What rules build.

    def emit(self, target: Any, *args: Any) -> fx.Node:
        return self.graph.call_function(target, args)

    def buffer(self, name: str, tensor: torch.Tensor) -> fx.Node:
        """A get_attr node of a new buffer of the converted model."""
        self.root.register_buffer(name, tensor)
        return self.graph.get_attr(name)

    def result(
        self,
        node: fx.Node,
        layout: Layout,
        params: QParams,
        family: str,
        weight_bytes: int = 0,
        of: fx.Node | None = None,
        plan: LayerPlan | None = None,
    ) -> Result:
        """The Result of an emitted int8 node; `of` is the canonical node it stands for."""
        if of is not None:
            stand_for(node, of, layout)
        shape = None if of is None else shape_of(of)
        return Result(Value(shape, params, int8={layout: node}), family, weight_bytes, plan)

    def int8(self, value: Value, layout: Layout, contiguous: bool = True) -> fx.Node:
        """The codes in `layout`. Only plain ones may be had as they lie, without `contiguous`."""
        if layout not in value.int8:
            other = Layout.PLAIN if layout is Layout.NHWC else Layout.NHWC
            order = [0, 2, 3, 1] if layout is Layout.NHWC else [0, 3, 1, 2]
            moved = self.emit(aten.permute.default, value.int8[other], order)
            plain = layout is Layout.PLAIN
            value.int8[layout] = self.strided(moved) if plain else self.emit(aten.contiguous.default, moved)
        if contiguous and value.int8[layout] in self._strided:
            value.int8[layout] = self.emit(aten.contiguous.default, value.int8[layout])
        return value.int8[layout]

    def strided(self, node: fx.Node) -> fx.Node:
        """Remembers that an emitted node may not be contiguous."""
        self._strided.add(node)
        return node

    def absorb(self, node: fx.Node, value: Value, into: str) -> None:
        """Tells what `node`, which comes later, is; the operator named `into` computes it."""
        self._absorbed[node] = (value, into)

    def float32(self, value: Value) -> Any:
        """The numbers, in the logical shape."""
        if value.float32 is None:
            if value.constant is not None:
                value.float32 = self.buffer(f"constant_{len(self.graph.nodes)}", value.constant)
            elif value.items is not None:
                value.float32 = [self.float32(item) for item in value.items]
            else:
                value.float32 = self._dequantize(value)
        return value.float32

    def _dequantize(self, value: Value) -> fx.Node:
        assert value.qparams is not None
        settings = (value.qparams.scale, value.qparams.zero_point)
        if Layout.NHWC in value.int8:
            return self.emit(ours.dequantize_nchw.default, value.int8[Layout.NHWC], *settings)
        return self.emit(ours.dequantize.default, self.int8(value, Layout.PLAIN), *settings)

    # The walk.

    def _visit(self, node: fx.Node) -> Value:
        if node.op == "placeholder":
            return Value(float32=self.graph.placeholder(str(node.target)))
        if is_constant(node):
            return Value(constant=constant(self.source, node))
        if is_quantize(node):
            return self._quantize(node)
        if is_dequantize(node) and self.value(node.args[0]).codes:
            return self.value(node.args[0]).as_numbers(self._grid_after(node))
        weight = self._weight(node)
        return weight if weight is not None else self._operator(node)

    def _operator(self, node: fx.Node) -> Value:
        if node in self._absorbed:
            self.notes.append(LayerNote(node, "fused"))
            return self._absorbed[node][0]
        rule = rule_of(node.target) if node.op == "call_function" else None
        result = rule(self, node) if rule is not None else self._why_no_rule(node)
        if isinstance(result, str):
            return self._stock(node, result)
        if isinstance(result, Declined):
            return self._stock(node, result.reason, result.plan)
        if result.family:
            self.notes.append(LayerNote(node, result.family, "", result.weight_bytes, result.plan))
        return result.value

    def _why_no_rule(self, node: fx.Node) -> str:
        if node.target not in ELEMENTWISE:
            return f"no int8 kernel for {_name(node, self.source)}"
        # A table would have taken it, had both ends been quantized.
        reasons = [r for r in map(self.quantized, node.all_input_nodes) if isinstance(r, str)]
        return reasons[0] if reasons else "output is not quantized"

    def _stock(self, node: fx.Node, reason: str, plan: LayerPlan | None = None) -> Value:
        """The operator as it was, on floats."""
        if shape_of(node) is not None or node.op != "call_function":
            self.notes.append(LayerNote(node, reason=reason, plan=plan))
        args, kwargs = fx.map_arg(node.args, self._argument), fx.map_arg(node.kwargs, self._argument)
        if node.op == "call_module":
            _place(self.root, str(node.target), self.source.get_submodule(str(node.target)))
        return Value(float32=self.graph.create_node(node.op, node.target, args, kwargs))

    def _argument(self, node: fx.Node) -> Any:
        """The value in the form the source had it."""
        value = self._values[node]
        return self.int8(value, Layout.PLAIN) if value.codes else self.float32(value)

    def _grid_after(self, dequantize: fx.Node) -> QParams:
        """The grid that a dequantize reads codes as, with the range its quantize left."""
        grid, codes = qparams_of(dequantize), self.value(dequantize.args[0]).qparams
        assert codes is not None
        return QParams(grid.scale, grid.zero_point, codes.low, codes.high)

    def _quantize(self, node: fx.Node) -> Value:
        params, source = qparams_of(node), self.value(node.args[0])
        if source.qparams is None:
            return self._quantize_floats(node, source, params)
        if not params.same_grid(source.qparams):
            # make_tables saw to changes of scale; what is left only the walk knows to be on a grid.
            return self._requantize(node, source, params)
        codes = Value(source.shape, source.qparams, True, source.int8)
        return self._clamped(node, codes, params)

    def _quantize_floats(self, node: fx.Node, source: Value, params: QParams) -> Value:
        x, settings = self.float32(source), (params.scale, params.zero_point)
        if source.is_image:
            layout, codes = Layout.NHWC, self.emit(ours.quantize_nhwc.default, x, *settings)
        else:
            dense = self.emit(aten.contiguous.default, x)
            layout, codes = Layout.PLAIN, self.emit(ours.quantize.default, dense, *settings)
        value = Value(source.shape, QParams(*settings), True, {layout: codes})
        return self._clamped(node, value, params)

    def _requantize(self, node: fx.Node, source: Value, params: QParams) -> Value:
        assert source.qparams is not None
        entries = self.buffer(f"{node.name}_table", params.quantize(source.qparams.dequantize(all_codes())))
        layout = next(iter(source.int8))
        codes = self.emit(ours.lut.default, self.int8(source, layout), entries)
        return self._clamped(node, Value(source.shape, params, True, {layout: codes}), params)

    def _clamped(self, node: fx.Node, value: Value, params: QParams) -> Value:
        """The codes of `value` with the bounds of `params`; they stand for the quantize `node`."""
        assert value.qparams is not None
        layout, codes = next(iter(value.int8.items()))
        if not params.covers(value.qparams):
            codes = self.emit(aten.clamp.default, self.int8(value, layout), params.low, params.high)
            value = Value(value.shape, params, True, {layout: codes})
        if "canonical_name" not in codes.meta:
            stand_for(codes, node, layout)
        return value

    def _weight(self, node: fx.Node) -> Value | None:
        """A dequantize of a constant: known now, in float and in int8."""
        if not is_weight_dequantize(node):
            return None
        target: Any = node.target
        tensors: Any = fx.map_arg(node.args, lambda n: constant(self.source, n))
        numbers = target(*tensors, **node.kwargs)
        value = Value(tuple(numbers.shape), constant=numbers)
        codes = tensors[0]
        if codes.dtype != torch.int8:
            return value
        axis = tensors[3] if "per_channel" in str(target) else 0
        scales = torch.as_tensor(tensors[1], dtype=torch.float64)
        zero_points = torch.as_tensor(0 if tensors[2] is None else tensors[2])
        value.weight = QuantizedWeight(codes, scales, zero_points, axis)
        return value


def stand_for(emitted: fx.Node, node: fx.Node, layout: Layout) -> None:
    """Leaves in an emitted int8 node which canonical node it computes, and how it lies in memory."""
    emitted.meta.update(canonical_name=node.name, logical_shape=shape_of(node), layout=layout)


def _place(root: nn.Module, target: str, module: nn.Module) -> None:
    *path, leaf = target.split(".")
    for part in path:
        if not hasattr(root, part):
            root.add_module(part, nn.Module())
        root = getattr(root, part)
    root.add_module(leaf, module)


def _name(node: fx.Node, source: fx.GraphModule) -> str:
    if node.op == "call_module":
        return type(source.get_submodule(str(node.target))).__name__
    if isinstance(node.target, torch._ops.OpOverload):
        return str(node.target)
    return getattr(node.target, "__name__", str(node.target))

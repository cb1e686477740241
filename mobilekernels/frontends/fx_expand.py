"""FX and traced eager quantized models: each node on quantized tensors becomes dq -> float operator -> q."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import fx

from mobilekernels.frontends.builder import Builder
from mobilekernels.frontends.fx_float_rules import float_rule
from mobilekernels.frontends.fx_quantized_rules import quantized_rule
from mobilekernels.frontends.observe import INT8_OFFSETS, Observed, observe
from mobilekernels.qparams import QParams


def expand(module: fx.GraphModule, example_inputs: tuple[Any, ...]) -> fx.GraphModule:
    """The canonical graph of an FX graph over PyTorch's quantized modules and functions.

    `module` is run once on the example inputs.
    """
    import torch.ao.quantization.fx._decomposed  # noqa: F401  registers torch.ops.quantized_decomposed

    return _Expansion(module, observe(module, example_inputs)).run()


class _Expansion:
    def __init__(self, module: fx.GraphModule, seen: dict[fx.Node, Observed]) -> None:
        self.module = module
        self.seen = seen
        self.build = Builder()
        # By node of the source: its float node here, or a Python value (sizes, packed parameters).
        self.values: dict[fx.Node, Any] = {}

    def run(self) -> fx.GraphModule:
        for node in self.module.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self.build.graph.placeholder(str(node.target))
            elif node.op == "get_attr":
                self.values[node] = operator.attrgetter(str(node.target))(self.module)
            elif node.op == "output":
                self.build.graph.output(self._arguments(node.args[0]))
            else:
                self.values[node] = self._quantized_like_source(node, self._call(node))
        return self.build.finish()

    def _call(self, node: fx.Node) -> Any:
        args, kwargs = self._arguments(node.args), self._arguments(node.kwargs)
        if node.op == "call_module":
            return self._call_module(node, args, kwargs)
        if node.target in ("size", "sym_size") or (node.target is getattr and args[1] == "shape"):
            return self._size(node, args)
        if node.op == "call_function" and _is_operator(node.target) and self.seen[node].dtype is None:
            return self._python(node.target, args)
        rule = quantized_rule(node.target) or float_rule(node.target)
        if rule is not None:
            result = rule(self.build, *args, **kwargs)
            if result is not None:
                return result
        return self._opaque(node)

    def _call_module(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.module.get_submodule(str(node.target))
        rule = quantized_rule(type(module)) or float_rule(type(module))
        if rule is not None:
            result = rule(self.build, module, *args, **kwargs)
            if result is not None:
                return result
        return self._opaque(node)

    def _python(self, target: Any, args: tuple[Any, ...]) -> Any:
        """Arithmetic on sizes: on tuples of them now, on numbers when the graph runs."""
        if any(isinstance(a, (tuple, list)) for a in args) or not any(isinstance(a, fx.Node) for a in args):
            return target(*args)
        return self.build.call(target, *args)

    def _size(self, node: fx.Node, args: tuple[Any, ...]) -> Any:
        size = torch.ops.aten.sym_size.int
        if node.target is not getattr and len(args) == 2:
            return self.build.call(size, *args)
        rank = self.seen[node.all_input_nodes[0]].rank
        return tuple(self.build.call(size, args[0], d) for d in range(rank))

    def _quantized_like_source(self, node: fx.Node, result: Any) -> Any:
        params = self.seen[node].qparams
        if params is None or not isinstance(result, fx.Node):
            return result
        if _quantized_by(result, params):
            return result
        return self.build.quantize(result, params)

    def _opaque(self, node: fx.Node) -> fx.Node:
        """The call as it was: on quantized tensors where the source had them."""

        def argument(source: fx.Node) -> Any:
            seen = self.seen[source]
            value = self._argument(source)
            if seen.qparams is None:
                return value
            assert seen.dtype is not None
            zero_point = seen.qparams.zero_point + INT8_OFFSETS[seen.dtype]
            return self.build.call(
                torch.quantize_per_tensor, value, seen.qparams.scale, zero_point, seen.dtype
            )

        args = fx.map_arg(node.args, argument)
        kwargs = fx.map_arg(node.kwargs, argument)
        if node.op == "call_module":
            target = str(node.target)
            result = self.build.module(target, self.module.get_submodule(target), args, kwargs)
        else:
            result = self.build.graph.create_node(node.op, node.target, args, kwargs)
        if self.seen[node].qparams is None:
            return result
        return self.build.graph.call_method("dequantize", (result,))

    def _arguments(self, args: Any) -> Any:
        return _map(args, self._argument)

    def _argument(self, source: fx.Node) -> Any:
        value = self.values[source]
        if source.op == "get_attr" and isinstance(value, torch.Tensor):
            value = self.values[source] = self.build.constant(str(source.target), value)
        return value


def _map(args: Any, fn: Any) -> Any:
    """fx.map_arg, but for results that are not nodes."""
    if isinstance(args, fx.Node):
        return fn(args)
    if isinstance(args, (tuple, list)):
        mapped = [_map(a, fn) for a in args]
        return mapped if isinstance(args, list) else tuple(mapped)
    if isinstance(args, dict):
        return {k: _map(v, fn) for k, v in args.items()}
    if isinstance(args, slice):
        return slice(_map(args.start, fn), _map(args.stop, fn), _map(args.step, fn))
    return args


def _is_operator(target: Any) -> bool:
    return getattr(target, "__module__", "") in ("_operator", "builtins")


def _quantized_by(node: fx.Node, params: QParams) -> bool:
    """Whether the node is a dequantize on exactly this grid (identities on quantized tensors)."""
    if node.target is not torch.ops.quantized_decomposed.dequantize_per_tensor.default:
        return False
    source = node.args[0]
    is_activation = isinstance(source, fx.Node) and source.op == "call_function"
    return is_activation and node.args[1:3] == (params.scale, params.zero_point)

"""The PT2E quantizer that annotates a float graph so that it runs in int8 from end to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantizer import (
    QuantizationAnnotation,
    QuantizationSpec,
    QuantizationSpecBase,
    Quantizer,
    SharedQuantizationSpec,
)
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

from mobilekernels.passes.normalize_pad import normalize_padding
from mobilekernels.quantization import operators as ops
from mobilekernels.quantization.functionalize import functionalize
from mobilekernels.quantization.regions import find_regions, leaves_region
from mobilekernels.quantization.skip import SkipPatterns


class MobileKernelsQuantizer(Quantizer):  # type: ignore[misc]  # torchao has no types
    """Annotates every operator that mobilekernels has in int8.

    Activations are int8, affine, per tensor; weights int8, symmetric, per output channel; biases stay float
    (packing quantizes them). A clamp after a convolution, linear, add or mul belongs to it: only the clamped
    value is quantized. Element-wise regions are quantized at their ends alone, so that each becomes one
    table.

    Args:
        activation: how activations are observed.
        weight: how weights are observed.
        skip: names of modules that stay in float, see :class:`SkipPatterns`.
        quantize_output: False leaves the result of a convolution or linear that the model returns in float.
    """

    def __init__(
        self,
        activation: QuantizationSpec,
        weight: QuantizationSpec,
        skip: Sequence[str] = (),
        quantize_output: bool = True,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = weight
        self.skip = SkipPatterns(skip)
        self.quantize_output = quantize_output

    def transform_for_annotation(self, model: GraphModule) -> GraphModule:
        functionalize(model)
        normalize_padding(model)
        model.recompile()
        return model

    def annotate(self, model: GraphModule) -> GraphModule:
        _Annotator(self, model).run()
        self.skip.check_used(model)
        return model

    def validate(self, model: GraphModule) -> None:
        """Nothing to refuse: what is not annotated stays in float, and the conversion report says so."""


class _Annotator:
    """One walk over one graph."""

    def __init__(self, quantizer: MobileKernelsQuantizer, model: GraphModule) -> None:
        self.quantizer = quantizer
        self.graph = model.graph
        self.act = quantizer.activation
        # Clamp -> the operator whose output range it is, and back.
        self.producer_of: dict[Node, Node] = {}
        self.clamp_of: dict[Node, Node] = {}
        self.quantized: set[Node] = set()

    def run(self) -> None:
        skipped = {node for node in self.graph.nodes if self.quantizer.skip.matches(node)}
        # x * f(x) of one x is a table: which binary operators take a clamp is known after the regions.
        self._pair_clamps(skipped, lambda node: node.target in ops.COMPUTE and self._fits(node))
        self.roots = find_regions(self.graph, barriers=skipped | set(self.producer_of))
        self._pair_clamps(skipped, lambda node: ops.is_binary(node) and node not in self.roots)
        self.roots = find_regions(self.graph, barriers=skipped | set(self.producer_of))
        self.quantized |= self._useful_placeholders(skipped)
        for node in self.graph.nodes:
            if node.op == "call_function" and node not in skipped and node not in self.producer_of:
                self._annotate(node)

    def _pair_clamps(self, skipped: set[Node], takes_clamp: Callable[[Node], bool]) -> None:
        """Give each clamp to the operator before it, where that is read by nothing else."""
        for node in self.graph.nodes:
            producer = node.args[0] if node.target in ops.CLAMP and node not in skipped else None
            if not isinstance(producer, Node) or producer in skipped or len(producer.users) != 1:
                continue
            if takes_clamp(producer):
                self.producer_of[node], self.clamp_of[producer] = producer, node

    @staticmethod
    def _fits(node: Node) -> bool:
        return ops.is_float(node) and ops.is_float(node.args[0]) and ops.has_constant_weight(node)

    def _useful_placeholders(self, skipped: set[Node]) -> set[Node]:
        """Float inputs of the model that reach a convolution or linear through operators that we have."""
        wanted: set[Node] = set()
        for node in reversed(self.graph.nodes):
            for user in node.users:
                if user in skipped:
                    continue
                feeds_compute = user.target in ops.COMPUTE and self._fits(user) and user.args[0] is node
                if feeds_compute or (user in wanted and (self._is_ours(user) or user in self.producer_of)):
                    wanted.add(node)
        return {node for node in wanted if node.op == "placeholder" and ops.is_float(node)}

    def _is_ours(self, node: Node) -> bool:
        return (
            ops.is_pool(node)
            or ops.is_move(node)
            or ops.is_split(node)
            or ops.is_binary(node)
            or node.target in ops.CAT
            or node in self.roots
        )

    def _annotate(self, node: Node) -> None:
        if node.target in ops.COMPUTE:
            if self._fits(node):
                self._annotate_compute(node)
        elif node in self.roots:
            self._annotate_region_node(node)
        elif not any(source in self.quantized for source in node.all_input_nodes):
            return  # in the middle of a float island: two conversions to save nothing
        elif ops.is_binary(node):
            self._set(node, dict.fromkeys(ops.float_inputs(node), self.act), self._output_spec(node))
        elif ops.is_pool(node):
            self._set(node, {_first(node): self.act}, self.act)
        elif node.target in ops.CAT:
            self._annotate_cat(node)
        elif ops.is_split(node):
            self._set(node, {_first(node): self.act}, None)
            self.quantized.add(node)
        elif ops.is_move(node):
            self._annotate_move(node)

    def _annotate_compute(self, node: Node) -> None:
        weight = node.args[1]
        assert isinstance(weight, Node)
        returned = {user.op for user in self.clamp_of.get(node, node).users} == {"output"}
        keep_float = returned and not self.quantizer.quantize_output
        inputs: dict[Node, QuantizationSpecBase] = {_first(node): self.act, weight: self.quantizer.weight}
        self._set(node, inputs, None if keep_float else self._output_spec(node))
        if keep_float:
            self.quantized.discard(node)
            self.quantized.discard(self.clamp_of.get(node, node))

    def _output_spec(self, node: Node) -> QuantizationSpecBase | None:
        """The output's spec, which moves to the clamp where one follows."""
        clamp = self.clamp_of.get(node)
        if clamp is None:
            return self.act
        self._set(clamp, {}, self.act)
        return None

    def _annotate_region_node(self, node: Node) -> None:
        root = self.roots[node]
        if root not in self.quantized:
            return
        inputs: dict[Node, QuantizationSpecBase] = {root: self.act} if root in node.all_input_nodes else {}
        self._set(node, inputs, self.act if leaves_region(node, self.roots) else None)

    def _annotate_cat(self, node: Node) -> None:
        # One grid for the parts and the whole: concatenation is then a copy, and nothing is rounded twice.
        first, *rest = ops.float_inputs(node)
        shared = SharedQuantizationSpec((first, node))
        inputs: dict[Node, QuantizationSpecBase] = {first: self.act} | dict.fromkeys(rest, shared)
        self._set(node, inputs, shared)

    def _annotate_move(self, node: Node) -> None:
        source = _first(node)
        if ops.is_split(source):  # node is operator.getitem
            self._set(node, {}, SharedQuantizationSpec((_first(source), source)))
        else:
            self._set(node, {source: self.act}, SharedQuantizationSpec((source, node)))

    def _set(
        self, node: Node, inputs: dict[Node, QuantizationSpecBase], output: QuantizationSpecBase | None
    ) -> None:
        node.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(
            input_qspec_map=dict(inputs),
            output_qspec=output,
            _annotated=True,
        )
        if output is not None:
            self.quantized.add(node)


def _first(node: Node) -> Node:
    source = node.args[0]
    assert isinstance(source, Node)
    return source


def int8_activation(observer: type[torch.nn.Module]) -> QuantizationSpec:
    """int8 affine activations in [-128, 127], one scale a tensor."""
    return QuantizationSpec(
        dtype=torch.int8,
        observer_or_fake_quant_ctr=observer,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_tensor_affine,
    )


def int8_weight(observer: type[torch.nn.Module]) -> QuantizationSpec:
    """int8 symmetric weights in [-127, 127], one scale an output channel."""
    return QuantizationSpec(
        dtype=torch.int8,
        observer_or_fake_quant_ctr=observer,
        quant_min=-127,
        quant_max=127,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
    )

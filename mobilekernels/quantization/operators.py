"""Which ATen overloads the quantizer knows, by the way their numbers move.

Five kinds cover what our int8 operators cover:

* *compute*: convolution and linear, weights per channel, output with its own scale;
* *pool*: averages, output with its own scale;
* *move*: data movement and maximum, output with the input's scale;
* *binary*: add and mul of two tensors, output with its own scale;
* *elementwise*: a function of one value; a whole region of them becomes one table look-up.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx import Node

aten = torch.ops.aten

CONV: frozenset[Any] = frozenset({aten.conv2d.default, aten.conv2d.padding})
LINEAR: frozenset[Any] = frozenset({aten.linear.default})
COMPUTE = CONV | LINEAR

CAT: frozenset[Any] = frozenset({aten.cat.default})

# The clamps that a producer's out_min and out_max express.
CLAMP: frozenset[Any] = frozenset(
    {aten.relu.default, aten.relu6.default, aten.hardtanh.default, aten.clamp.default}
)

# Functions of one tensor value and of numbers.
UNARY: frozenset[Any] = CLAMP | frozenset(
    {
        aten.hardswish.default,
        aten.hardsigmoid.default,
        aten.sigmoid.default,
        aten.silu.default,
        aten.gelu.default,
        aten.tanh.default,
        aten.leaky_relu.default,
        aten.elu.default,
        aten.selu.default,
        aten.celu.default,
        aten.mish.default,
        aten.softplus.default,
        aten.abs.default,
        aten.neg.default,
        aten.square.default,
        aten.rsub.Scalar,
    }
)

# Two operands, either of which may be a number.
ARITHMETIC: frozenset[Any] = frozenset({aten.add.Tensor, aten.mul.Tensor, aten.sub.Tensor, aten.div.Tensor})

# Those of them that we have for two int8 tensors.
BINARY: frozenset[Any] = frozenset({aten.add.Tensor, aten.mul.Tensor})

_MOVE: frozenset[Any] = frozenset(
    {
        aten.max_pool2d.default,
        aten.flatten.using_ints,
        aten.view.default,
        aten.reshape.default,
        aten.permute.default,
        aten.transpose.int,
        aten.t.default,
        aten.slice.Tensor,
        aten.select.int,
        aten.narrow.default,
        aten.squeeze.default,
        aten.squeeze.dim,
        aten.squeeze.dims,
        aten.unsqueeze.default,
        aten.expand.default,
        aten.contiguous.default,
        aten.clone.default,
        aten.dropout.default,
        aten.feature_dropout.default,
        aten.alias.default,
        aten.detach.default,
        aten.channel_shuffle.default,
        aten.pixel_shuffle.default,
    }
)

# Several outputs, read by operator.getitem.
SPLIT: frozenset[Any] = frozenset(
    {aten.chunk.default, aten.split.Tensor, aten.split_with_sizes.default, aten.unbind.int}
)

# In-place twins of what is known above; the graph is made functional before it is annotated.
FUNCTIONAL: dict[Any, Any] = {
    aten.relu_.default: aten.relu.default,
    aten.relu6_.default: aten.relu6.default,
    aten.hardtanh_.default: aten.hardtanh.default,
    aten.clamp_.default: aten.clamp.default,
    aten.hardswish_.default: aten.hardswish.default,
    aten.hardsigmoid_.default: aten.hardsigmoid.default,
    aten.sigmoid_.default: aten.sigmoid.default,
    aten.silu_.default: aten.silu.default,
    aten.gelu_.default: aten.gelu.default,
    aten.tanh_.default: aten.tanh.default,
    aten.leaky_relu_.default: aten.leaky_relu.default,
    aten.elu_.default: aten.elu.default,
    aten.selu_.default: aten.selu.default,
    aten.celu_.default: aten.celu.default,
    aten.mish_.default: aten.mish.default,
    aten.add_.Tensor: aten.add.Tensor,
    aten.mul_.Tensor: aten.mul.Tensor,
    aten.sub_.Tensor: aten.sub.Tensor,
    aten.div_.Tensor: aten.div.Tensor,
    aten.dropout_.default: aten.dropout.default,
}


def value(node: Node) -> Any:
    """The fake value that export recorded for a node, or None."""
    return node.meta.get("val")


def is_float(node: object) -> bool:
    """Whether a graph value is a float32 tensor that is computed, not a parameter."""
    return (
        isinstance(node, Node)
        and node.op != "get_attr"
        and getattr(value(node), "dtype", None) == torch.float32
    )


def float_inputs(node: Node) -> list[Node]:
    """The computed float32 tensors that a node reads, in order."""
    return [source for source in node.all_input_nodes if is_float(source)]


def is_spatial_mean(node: Node) -> bool:
    """mean over exactly the two spatial dimensions of an image tensor."""
    if node.target is not aten.mean.dim:
        return False
    source, dims = node.args[0], node.args[1]
    tensor = value(source) if isinstance(source, Node) else None
    if tensor is None or tensor.dim() != 4 or not isinstance(dims, (list, tuple)):
        return False
    return sorted(int(d) % 4 for d in dims) == [2, 3]  # type: ignore[arg-type]


def is_pool(node: Node) -> bool:
    """An average over space."""
    return node.target in (aten.avg_pool2d.default, aten.adaptive_avg_pool2d.default) or is_spatial_mean(node)


def is_zero_pad(node: Node) -> bool:
    """Padding with zeros, which every affine grid holds exactly."""
    if node.target is aten.constant_pad_nd.default:
        fill = node.args[2] if len(node.args) > 2 else node.kwargs.get("value", 0)
        return bool(fill == 0)
    return False


def is_split(node: Node) -> bool:
    """A node with several tensor outputs that only moves data."""
    return node.target in SPLIT


def is_move(node: Node) -> bool:
    """Data movement or maximum: the output lies on the input's grid."""
    if node.target is operator.getitem:
        source = node.args[0]
        return isinstance(source, Node) and is_split(source)
    return node.target in _MOVE or is_zero_pad(node)


def is_binary(node: Node) -> bool:
    """add or mul of two computed float tensors."""
    if node.target not in BINARY or not _plain_alpha(node):
        return False
    return all(is_float(operand) for operand in node.args[:2]) and len(node.args) >= 2


def is_elementwise(node: Node) -> bool:
    """A function of the values at one place, which a table holds if all its operands come from one tensor."""
    if node.target in UNARY:
        return True
    if node.target not in ARITHMETIC:
        return False
    return all(is_float(operand) or isinstance(operand, (int, float)) for operand in node.args[:2])


def has_constant_weight(node: Node) -> bool:
    """Whether a convolution's or linear's weight is a float32 parameter of the model."""
    weight = node.args[1]
    return (
        isinstance(weight, Node)
        and weight.op == "get_attr"
        and getattr(value(weight), "dtype", torch.float32) == torch.float32
    )


def _plain_alpha(node: Node) -> bool:
    return bool(node.kwargs.get("alpha", 1) == 1)

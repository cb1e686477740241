"""PyTorch's quantized functions and modules as float ATen overloads over dequantized tensors.

The scale and zero point of the result are not the rules' business: they come from the observed run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.frontends.builder import Builder
from mobilekernels.frontends.fx_float_rules import Rule, batch_norm

aten = torch.ops.aten


def quantized_rule(target: Any) -> Rule | None:
    """The rule for a quantized module's type or a torch.ops.quantized operator; None where there is none."""
    if isinstance(target, torch._ops.OpOverloadPacket):
        return _OPERATORS.get(target._qualified_op_name)
    if isinstance(target, torch._ops.OpOverload):
        return _OPERATORS.get(target._schema.name)
    if isinstance(target, type):
        return _module_rules().get(target)
    return None


def _conv2d(b: Builder, x: fx.Node, weight: torch.Tensor, bias: Any, settings: Any, name: str) -> fx.Node:
    bias_node = None if bias is None else b.constant(f"{name}_bias", bias)
    stride, padding, dilation, groups = settings
    return b.call(
        aten.conv2d.default,
        x,
        b.weight(name, weight),
        bias_node,
        list(stride),
        list(padding),
        list(dilation),
        groups,
    )


def _linear(b: Builder, x: fx.Node, weight: torch.Tensor, bias: Any, name: str) -> fx.Node:
    bias_node = None if bias is None else b.constant(f"{name}_bias", bias)
    return b.call(aten.linear.default, x, b.weight(name, weight), bias_node)


def _conv2d_operator(b: Builder, x: fx.Node, packed: Any, *scale: Any, **named: Any) -> fx.Node:
    weight, bias = torch.ops.quantized.conv2d_unpack(packed)
    settings = (packed.stride(), packed.padding(), packed.dilation(), packed.groups())
    return _conv2d(b, x, weight, bias, settings, "conv2d")


def _linear_operator(b: Builder, x: fx.Node, packed: Any, *scale: Any, **named: Any) -> fx.Node:
    weight, bias = torch.ops.quantized.linear_unpack(packed)
    return _linear(b, x, weight, bias, "linear")


def _conv2d_module(b: Builder, m: Any, x: fx.Node) -> Any:
    if m.padding_mode != "zeros":
        return None
    return _conv2d(b, x, m.weight(), m.bias(), (m.stride, m.padding, m.dilation, m.groups), "conv2d")


def _linear_module(b: Builder, m: Any, x: fx.Node) -> Any:
    weight = m.weight()
    return _linear(b, x, weight, m.bias(), "linear") if weight.dtype == torch.qint8 else None


def _then_relu(rule: Rule) -> Rule:
    def fused(b: Builder, *args: Any, **kwargs: Any) -> Any:
        result = rule(b, *args, **kwargs)
        return None if result is None else b.call(aten.relu.default, result)

    return fused


def _binary(overload: Any) -> Rule:
    return lambda b, x, y, *scale, **named: b.call(overload, x, y)


def _unary(overload: Any) -> Rule:
    return lambda b, x, *scale, **named: b.call(overload, x)


def _cat(b: Builder, tensors: Any, dim: int = 0, scale: Any = None, zero_point: Any = None) -> fx.Node:
    return b.call(aten.cat.default, list(tensors), dim)


def _leaky_relu(b: Builder, x: fx.Node, negative_slope: float = 0.01, *scale: Any, **named: Any) -> fx.Node:
    return b.call(aten.leaky_relu.default, x, negative_slope)


def _elu(b: Builder, x: fx.Node, scale: float, zero_point: int, alpha: float = 1.0, *other: Any) -> Any:
    return None if other else b.call(aten.elu.default, x, alpha)


def _relu6(b: Builder, x: fx.Node, inplace: bool = False) -> fx.Node:
    return b.call(aten.hardtanh.default, x, 0.0, 6.0)


_OPERATORS: dict[str, Rule] = {
    "quantized::conv2d": _conv2d_operator,
    "quantized::conv2d_relu": _then_relu(_conv2d_operator),
    "quantized::linear": _linear_operator,
    "quantized::linear_relu": _then_relu(_linear_operator),
    "quantized::add": _binary(aten.add.Tensor),
    "quantized::add_relu": _then_relu(_binary(aten.add.Tensor)),
    "quantized::add_scalar": _binary(aten.add.Tensor),
    "quantized::add_scalar_relu": _then_relu(_binary(aten.add.Tensor)),
    "quantized::mul": _binary(aten.mul.Tensor),
    "quantized::mul_relu": _then_relu(_binary(aten.mul.Tensor)),
    "quantized::mul_scalar": _binary(aten.mul.Tensor),
    "quantized::mul_scalar_relu": _then_relu(_binary(aten.mul.Tensor)),
    "quantized::cat": _cat,
    "quantized::cat_relu": _then_relu(_cat),
    "quantized::hardswish": _unary(aten.hardswish.default),
    "quantized::sigmoid": _unary(aten.sigmoid.default),
    "quantized::leaky_relu": _leaky_relu,
    "quantized::elu": _elu,
    "quantized::relu6": _relu6,
}


def _module_rules() -> dict[type, Rule]:
    # Built at the call: importing torch.ao.nn at import time would slow `import mobilekernels`.
    import torch.ao.nn.intrinsic.quantized as nniq
    import torch.ao.nn.quantized as nnq

    return {
        nnq.Conv2d: _conv2d_module,
        nniq.ConvReLU2d: _then_relu(_conv2d_module),
        nnq.Linear: _linear_module,
        nniq.LinearReLU: _then_relu(_linear_module),
        nniq.LinearLeakyReLU: _linear_leaky_relu_module,
        nniq.ConvAdd2d: _conv_add_module,
        nniq.ConvAddReLU2d: _then_relu(_conv_add_module),
        nnq.Quantize: lambda b, m, x: x,
        nnq.DeQuantize: lambda b, m, x: x,
        nnq.Dropout: lambda b, m, x: x,
        nnq.Hardswish: lambda b, m, x: b.call(aten.hardswish.default, x),
        nnq.Sigmoid: lambda b, m, x: b.call(aten.sigmoid.default, x),
        nnq.ReLU6: lambda b, m, x: b.call(aten.hardtanh.default, x, 0.0, 6.0),
        nnq.LeakyReLU: lambda b, m, x: b.call(aten.leaky_relu.default, x, m.negative_slope),
        nnq.ELU: lambda b, m, x: b.call(aten.elu.default, x, m.alpha),
        nnq.BatchNorm2d: batch_norm,
        nniq.BNReLU2d: _then_relu(batch_norm),
    }


def _conv_add_module(b: Builder, m: Any, x: fx.Node, extra: fx.Node) -> Any:
    result = _conv2d_module(b, m, x)
    return None if result is None else b.call(aten.add.Tensor, result, extra)


def _linear_leaky_relu_module(b: Builder, m: Any, x: fx.Node) -> Any:
    result = _linear_module(b, m, x)
    return None if result is None else b.call(aten.leaky_relu.default, result, m.negative_slope)

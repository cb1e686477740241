"""PyTorch's float functions, methods and modules as ATen overloads.

A rule takes the builder, then what the call takes (a module first, where it is a module's), and appends
one operator. It gives None where it does not cover the arguments; the call then stays as it was.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from mobilekernels.frontends.builder import Builder

Rule = Callable[..., Any]
aten = torch.ops.aten


def float_rule(target: Any) -> Rule | None:
    """The rule for a function, a method's name or a module's type; None where there is none."""
    if isinstance(target, torch._ops.OpOverload):
        return lambda b, *args, **kwargs: b.graph.call_function(target, args, kwargs)
    if getattr(target, "__name__", "") == "stochastic_depth":
        return _stochastic_depth
    try:
        return _RULES.get(target)
    except TypeError:  # unhashable
        return None


def _unary(overload: Any) -> Rule:
    return lambda b, x, inplace=False: b.call(overload, x)


def _identity(b: Builder, x: fx.Node, *args: Any, **kwargs: Any) -> fx.Node:
    return x


def _dropout(b: Builder, x: fx.Node, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    return None if training else x


def _stochastic_depth(b: Builder, x: fx.Node, p: float, mode: str, training: bool = True) -> Any:
    return None if training else x


def _hardtanh(
    b: Builder, x: fx.Node, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> fx.Node:
    return b.call(aten.hardtanh.default, x, float(min_val), float(max_val))


def _relu6(b: Builder, x: fx.Node, inplace: bool = False) -> fx.Node:
    return _hardtanh(b, x, 0.0, 6.0)


def _clamp(b: Builder, x: fx.Node, min: Any = None, max: Any = None) -> Any:
    if isinstance(min, fx.Node) or isinstance(max, fx.Node):
        return None
    return b.call(aten.clamp.default, x, min, max)


def _leaky_relu(b: Builder, x: fx.Node, negative_slope: float = 0.01, inplace: bool = False) -> fx.Node:
    return b.call(aten.leaky_relu.default, x, negative_slope)


def _elu(b: Builder, x: fx.Node, alpha: float = 1.0, inplace: bool = False) -> fx.Node:
    return b.call(aten.elu.default, x, alpha)


def _gelu(b: Builder, x: fx.Node, approximate: str = "none") -> fx.Node:
    return b.graph.call_function(aten.gelu.default, (x,), {"approximate": approximate})


def _pair(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value, value]


def _max_pool2d(
    b: Builder,
    x: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    if return_indices:
        return None
    stride = _pair(stride) if stride else _pair(kernel_size)
    return b.call(
        aten.max_pool2d.default, x, _pair(kernel_size), stride, _pair(padding), _pair(dilation), ceil_mode
    )


def _avg_pool2d(
    b: Builder,
    x: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> fx.Node:
    stride = _pair(stride) if stride else _pair(kernel_size)
    return b.call(
        aten.avg_pool2d.default,
        x,
        _pair(kernel_size),
        stride,
        _pair(padding),
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def _adaptive_avg_pool2d(b: Builder, x: fx.Node, output_size: Any) -> Any:
    size = _pair(output_size)
    return None if None in size else b.call(aten.adaptive_avg_pool2d.default, x, size)


def _mean(
    b: Builder, x: fx.Node, dim: Any = None, keepdim: bool = False, dtype: Any = None, **other: Any
) -> Any:
    if dim is None or dtype is not None or other:
        return None
    return b.call(aten.mean.dim, x, list(dim) if isinstance(dim, (tuple, list)) else [dim], keepdim)


def _flatten(b: Builder, x: fx.Node, start_dim: int = 0, end_dim: int = -1) -> fx.Node:
    return b.call(aten.flatten.using_ints, x, start_dim, end_dim)


def _sizes(sizes: tuple[Any, ...]) -> list[Any]:
    return list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else list(sizes)


def _reshape(b: Builder, x: fx.Node, *sizes: Any, **named: Any) -> fx.Node:
    return b.call(aten.reshape.default, x, _sizes(sizes or tuple(named.values())))


def _permute(b: Builder, x: fx.Node, *dims: Any, **named: Any) -> fx.Node:
    return b.call(aten.permute.default, x, _sizes(dims or tuple(named.values())))


def _transpose(b: Builder, x: fx.Node, dim0: int, dim1: int) -> fx.Node:
    return b.call(aten.transpose.int, x, dim0, dim1)


def _squeeze(b: Builder, x: fx.Node, dim: Any = None) -> Any:
    return b.call(aten.squeeze.dim, x, dim) if isinstance(dim, int) else None


def _unsqueeze(b: Builder, x: fx.Node, dim: int) -> fx.Node:
    return b.call(aten.unsqueeze.default, x, dim)


def _chunk(b: Builder, x: fx.Node, chunks: int, dim: int = 0) -> fx.Node:
    return b.call(aten.chunk.default, x, chunks, dim)


def _cat(b: Builder, tensors: Any, dim: int = 0, **axis: int) -> fx.Node:
    return b.call(aten.cat.default, list(tensors), axis.get("axis", dim))


def _pad(b: Builder, x: fx.Node, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    return b.call(aten.constant_pad_nd.default, x, list(pad), value or 0.0) if mode == "constant" else None


def _binary(overload: Any) -> Rule:
    def rule(b: Builder, x: Any, y: Any, *other: Any, **named: Any) -> Any:
        if other or named or not isinstance(x, fx.Node):
            return None
        return b.call(overload, x, y)

    return rule


def _channel_shuffle(b: Builder, x: fx.Node, groups: int) -> fx.Node:
    return b.call(aten.channel_shuffle.default, x, groups)


def _of_module(rule: Rule, *names: str) -> Rule:
    """The rule of a module whose attributes `names` are the function's arguments."""
    return lambda b, m, x: rule(b, x, **{name: getattr(m, name) for name in names})


def _batch_norm_module(b: Builder, m: nn.BatchNorm2d, x: fx.Node) -> Any:
    return None if m.training else batch_norm(b, m, x)


def batch_norm(b: Builder, m: nn.BatchNorm2d, x: fx.Node) -> Any:
    """BatchNorm by its running statistics, whatever mode the module says it is in."""
    if m.running_mean is None or m.running_var is None:
        return None
    tensors = {"weight": m.weight, "bias": m.bias, "mean": m.running_mean, "var": m.running_var}
    nodes = [None if t is None else b.constant(f"batch_norm_{name}", t) for name, t in tensors.items()]
    return b.call(aten.batch_norm.default, x, *nodes, False, 0.0, m.eps, False)


def _conv2d_module(b: Builder, m: nn.Conv2d, x: fx.Node) -> Any:
    if m.padding_mode != "zeros":
        return None
    weight = b.constant("conv_weight", m.weight)
    bias = None if m.bias is None else b.constant("conv_bias", m.bias)
    overload = aten.conv2d.padding if isinstance(m.padding, str) else aten.conv2d.default
    padding = m.padding if isinstance(m.padding, str) else list(m.padding)
    return b.call(overload, x, weight, bias, list(m.stride), padding, list(m.dilation), m.groups)


def _linear_module(b: Builder, m: nn.Linear, x: fx.Node) -> fx.Node:
    bias = None if m.bias is None else b.constant("linear_bias", m.bias)
    return b.call(aten.linear.default, x, b.constant("linear_weight", m.weight), bias)


def _dropout_module(b: Builder, m: nn.Dropout, x: fx.Node) -> Any:
    return None if m.training else x


def _zero_pad_module(b: Builder, m: nn.ZeroPad2d, x: fx.Node) -> fx.Node:
    return b.call(aten.constant_pad_nd.default, x, list(m.padding), float(getattr(m, "value", 0.0)))


def _flatten_module(b: Builder, m: nn.Flatten, x: fx.Node) -> fx.Node:
    return _flatten(b, x, m.start_dim, m.end_dim)


_RELU = _unary(aten.relu.default)
_HARDSWISH = _unary(aten.hardswish.default)
_HARDSIGMOID = _unary(aten.hardsigmoid.default)
_SIGMOID = _unary(aten.sigmoid.default)
_TANH = _unary(aten.tanh.default)
_SILU = _unary(aten.silu.default)
_MISH = _unary(aten.mish.default)
_ADD = _binary(aten.add.Tensor)
_MUL = _binary(aten.mul.Tensor)
_SUB = _binary(aten.sub.Tensor)
_DIV = _binary(aten.div.Tensor)

_FUNCTIONS: dict[Any, Rule] = {
    **dict.fromkeys((torch.relu, torch.relu_, F.relu, F.relu_, "relu", "relu_"), _RELU),
    **dict.fromkeys((F.hardswish,), _HARDSWISH),
    **dict.fromkeys((F.hardsigmoid,), _HARDSIGMOID),
    **dict.fromkeys((torch.sigmoid, torch.sigmoid_, F.sigmoid, "sigmoid", "sigmoid_"), _SIGMOID),
    **dict.fromkeys((torch.tanh, torch.tanh_, F.tanh, "tanh", "tanh_"), _TANH),
    **dict.fromkeys((torch.clamp, "clamp", "clamp_", torch.clip, "clip"), _clamp),
    **dict.fromkeys((torch.flatten, "flatten"), _flatten),
    **dict.fromkeys((torch.reshape, "reshape", "view"), _reshape),
    **dict.fromkeys((torch.permute, "permute"), _permute),
    **dict.fromkeys((torch.transpose, "transpose"), _transpose),
    **dict.fromkeys((torch.squeeze, "squeeze"), _squeeze),
    **dict.fromkeys((torch.unsqueeze, "unsqueeze"), _unsqueeze),
    **dict.fromkeys((torch.chunk, "chunk"), _chunk),
    **dict.fromkeys((torch.mean, "mean"), _mean),
    **dict.fromkeys((torch.cat, torch.concat), _cat),
    **dict.fromkeys((F.dropout, F.dropout2d, F.alpha_dropout), _dropout),
    **dict.fromkeys((torch.add, operator.add, operator.iadd, "add", "add_"), _ADD),
    **dict.fromkeys((torch.mul, operator.mul, operator.imul, "mul", "mul_"), _MUL),
    **dict.fromkeys((torch.sub, operator.sub, operator.isub, "sub", "sub_"), _SUB),
    **dict.fromkeys((torch.div, operator.truediv, "div", "div_"), _DIV),
    **dict.fromkeys(("contiguous", "dequantize", "clone", "detach", torch.dequantize), _identity),
    F.silu: _SILU,
    F.mish: _MISH,
    F.relu6: _relu6,
    F.hardtanh: _hardtanh,
    F.leaky_relu: _leaky_relu,
    F.elu: _elu,
    F.gelu: _gelu,
    F.max_pool2d: _max_pool2d,
    torch.max_pool2d: _max_pool2d,
    F.avg_pool2d: _avg_pool2d,
    F.adaptive_avg_pool2d: _adaptive_avg_pool2d,
    F.pad: _pad,
    torch.channel_shuffle: _channel_shuffle,
    torch.quantize_per_tensor: _identity,
    operator.getitem: lambda b, x, index: b.call(operator.getitem, x, index),
}

_MODULES: dict[Any, Rule] = {
    nn.Identity: lambda b, m, x: x,
    nn.ReLU: _of_module(_RELU),
    nn.ReLU6: _of_module(_relu6),
    nn.Hardtanh: _of_module(_hardtanh, "min_val", "max_val"),
    nn.Hardswish: _of_module(_HARDSWISH),
    nn.Hardsigmoid: _of_module(_HARDSIGMOID),
    nn.Sigmoid: _of_module(_SIGMOID),
    nn.Tanh: _of_module(_TANH),
    nn.SiLU: _of_module(_SILU),
    nn.Mish: _of_module(_MISH),
    nn.GELU: _of_module(_gelu, "approximate"),
    nn.LeakyReLU: _of_module(_leaky_relu, "negative_slope"),
    nn.ELU: _of_module(_elu, "alpha"),
    nn.MaxPool2d: _of_module(
        _max_pool2d, "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"
    ),
    nn.AvgPool2d: _of_module(
        _avg_pool2d, "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"
    ),
    nn.AdaptiveAvgPool2d: _of_module(_adaptive_avg_pool2d, "output_size"),
    nn.ChannelShuffle: _of_module(_channel_shuffle, "groups"),
    nn.Flatten: _flatten_module,
    nn.ZeroPad2d: _zero_pad_module,
    nn.ConstantPad2d: _zero_pad_module,
    nn.Dropout: _dropout_module,
    nn.Dropout2d: _dropout_module,
    nn.AlphaDropout: _dropout_module,
    nn.BatchNorm2d: _batch_norm_module,
    nn.Conv2d: _conv2d_module,
    nn.Linear: _linear_module,
}

_RULES = {**_FUNCTIONS, **_MODULES}

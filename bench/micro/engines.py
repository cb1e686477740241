"""The engines of single layers. Another one is another function below, and a line in ``ENGINES``.

A function makes one instance of a layer ready, int8 codes in and out, in the layout that the engine likes
best (channels last in all of them). It uses the leanest call that the engine has from Python, and raises
``EngineAbsent`` where it cannot run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.micro.case import OUT_SCALE, OUT_ZERO_POINT, X_SCALE, X_ZERO_POINT, Case, Weights
from mobilekernels import packing
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.engines.torch_int8 import quantized_engine
from mobilekernels.pruning.blocks import Block


@dataclass(frozen=True)
class Instance:
    """A layer made ready on one engine.

    Attributes:
        run: what is timed.
        codes: the result of ``run`` as int8 NHWC; None for float engines.
        session: what surrounds calls, untimed.
    """

    run: Callable[[], object]
    codes: Callable[[object], Tensor] | None
    session: Callable[[], AbstractContextManager[object]] = nullcontext


Make = Callable[[Case, Weights], Instance]


@dataclass(frozen=True)
class LayerEngine:
    """An engine.

    Attributes:
        includes: what its call does beside the layer.
    """

    name: str
    title: str
    make: Make
    includes: str = "nothing else"


def ours(case: Case, weights: Weights, block: Block | None = None) -> Instance:
    """The custom op; with a block on a weight that leaves out such blocks of zeros."""
    ops = torch.ops.mobilekernels
    codes, x = weights.codes, case.x
    scales = (weights.scale, X_SCALE, X_ZERO_POINT, OUT_SCALE)
    if case.is_linear:
        packed = packing.pack_linear(codes.flatten(1), weights.bias, *scales, block=block)
        rows = x.reshape(case.image[0], case.channels)
        arguments = (rows, packed, case.out_channels, X_ZERO_POINT, OUT_ZERO_POINT, -128, 127)
        return Instance(lambda: ops.linear.default(*arguments), lambda y: _nhwc(case, y))
    packed = packing.pack_conv2d(codes, weights.bias, *scales, case.groups, block)
    (top, left), image = case.padding, (X_ZERO_POINT, OUT_ZERO_POINT, -128, 127)
    window = (list(case.kernel), list(case.stride), [top, top, left, left], [1, 1], case.groups)
    call = (x, packed, case.out_channels, *window, *image)
    return Instance(lambda: ops.conv2d.default(*call), lambda y: _nhwc(case, y))


def torch_int8(backend: str) -> Make:
    """``torch.ao.nn.quantized`` on one of PyTorch's backends; uint8 activations."""

    def make(case: Case, weights: Weights) -> Instance:
        if backend not in torch.backends.quantized.supported_engines:
            raise EngineAbsent(f"this build of PyTorch has no {backend}")
        with quantized_engine(backend):
            module = _torch_module(case, weights)
            x = _quint8(case)
            module(x)
        return Instance(lambda: module(x), lambda y: _from_quint8(case, y), lambda: quantized_engine(backend))

    return make


def _torch_module(case: Case, weights: Weights) -> nn.Module:
    from torch.ao.nn import quantized

    module: nn.Module
    codes, bias = weights.codes, weights.bias
    if case.is_linear:
        codes = codes.flatten(1)
        module = quantized.Linear(case.channels, case.out_channels)
    else:
        module = quantized.Conv2d(
            case.channels, case.out_channels, case.kernel, case.stride, case.padding, groups=case.groups
        )
    zeros = torch.zeros(case.out_channels, dtype=torch.int64)
    packed = torch._make_per_channel_quantized_tensor(codes, weights.scale.double(), zeros, 0)
    module.set_weight_bias(packed, bias)
    module.scale, module.zero_point = OUT_SCALE, OUT_ZERO_POINT + 128
    return module


def _quint8(case: Case) -> Tensor:
    codes = (case.x.to(torch.int16) + 128).to(torch.uint8)
    x = torch._make_per_tensor_quantized_tensor(codes, X_SCALE, X_ZERO_POINT + 128)
    if case.is_linear:
        return x.reshape(case.image[0], case.channels)
    return x.permute(0, 3, 1, 2)


def _from_quint8(case: Case, y: object) -> Tensor:
    assert isinstance(y, Tensor)
    codes = (y.int_repr().to(torch.int16) - 128).to(torch.int8)
    return _nhwc(case, codes if case.is_linear else codes.permute(0, 2, 3, 1))


def torch_float(case: Case, weights: Weights) -> Instance:
    """float32 in and out, channels last."""
    x = case.x.float()
    if case.is_linear:
        rows, matrix = x.reshape(case.image[0], case.channels), weights.dequantized().flatten(1)
        return Instance(lambda: nn.functional.linear(rows, matrix, weights.bias), None)
    image = x.permute(0, 3, 1, 2)
    kernel = weights.dequantized().contiguous(memory_format=torch.channels_last)
    settings = (case.stride, case.padding, 1, case.groups)
    return Instance(lambda: nn.functional.conv2d(image, kernel, weights.bias, *settings), None)


def onnxruntime(case: Case, weights: Weights) -> Instance:
    """ONNX Runtime's QLinearConv on NHWC, as its optimizer leaves it in networks; edges are bound."""
    _need("onnxruntime", "onnx")
    from bench.micro import onnx_layer

    return onnx_layer.onnxruntime_instance(case, weights)


def openvino(case: Case, weights: Weights) -> Instance:
    """OpenVINO on an ONNX layer between DequantizeLinear and QuantizeLinear, its tensors set once."""
    _need("openvino", "onnx")
    from bench.micro import onnx_layer

    return onnx_layer.openvino_instance(case, weights)


def xnnpack(case: Case, weights: Weights) -> Instance:
    """One XNNPACK operator in an ExecuTorch delegate whose inputs and outputs are int8."""
    _need("executorch")
    from bench.micro import xnnpack_layer

    return xnnpack_layer.instance(case)


def _need(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineAbsent(f"not installed: {', '.join(missing)} (pip install {' '.join(missing)})")


def _nhwc(case: Case, y: object) -> Tensor:
    assert isinstance(y, Tensor)
    return y.reshape(1, *case.out_image, case.out_channels)


ENGINES = (
    LayerEngine("mobilekernels", "mobilekernels int8", ours, "allocates the result"),
    LayerEngine("xnnpack", "ExecuTorch XNNPACK int8", xnnpack),
    LayerEngine("onnxruntime-int8", "ONNX Runtime int8", onnxruntime),
    LayerEngine("openvino-int8", "OpenVINO int8", openvino),
    LayerEngine("onednn", "PyTorch oneDNN int8", torch_int8("onednn"), "allocates the result"),
    LayerEngine("fbgemm", "PyTorch FBGEMM int8", torch_int8("fbgemm"), "allocates the result"),
    LayerEngine("qnnpack", "PyTorch QNNPACK int8", torch_int8("qnnpack"), "allocates the result"),
    LayerEngine("torch-float", "PyTorch float32", torch_float, "float32 in and out; allocates the result"),
)

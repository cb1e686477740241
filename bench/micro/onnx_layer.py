"""One layer as an ONNX model, on ONNX Runtime and on OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from bench.micro.case import OUT_SCALE, OUT_ZERO_POINT, X_SCALE, X_ZERO_POINT, Case, Weights
from bench.micro.engines import Instance


def onnxruntime_instance(case: Case, weights: Weights) -> Instance:
    """A session whose input and output are bound to fixed memory."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    model = _qlinear(case, weights).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    x, y = _unsigned(case), np.empty(_result_shape(case), np.uint8)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "x", x), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, np.uint8, array.shape, array.ctypes.data)
    return Instance(lambda keep=(x, y): session.run_with_iobinding(binding), lambda _: _signed(case, y))  # type: ignore[misc]


def openvino_instance(case: Case, weights: Weights) -> Instance:
    """A request whose tensors are set once."""
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,
    }
    core = openvino.Core()
    model = core.read_model(_qdq(case, weights).SerializeToString())
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    x, y = _unsigned(case), np.empty(_result_shape(case), np.uint8)
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))

    # The binding's own method: the one over it copies the result.
    infer = super(type(request), request).infer
    return Instance(lambda keep=(x, y): infer({}, True, False), lambda _: _signed(case, y))  # type: ignore[misc]


def _unsigned(case: Case) -> np.ndarray[Any, np.dtype[np.uint8]]:
    codes = (case.x.numpy().astype(np.int16) + 128).astype(np.uint8)
    return codes.reshape(case.image[0], case.channels) if case.is_linear else codes


def _signed(case: Case, y: np.ndarray[Any, Any]) -> torch.Tensor:
    codes = torch.from_numpy((y.astype(np.int16) - 128).astype(np.int8))
    return codes.reshape(1, *case.out_image, case.out_channels)


def _result_shape(case: Case) -> tuple[int, ...]:
    if case.is_linear:
        return case.image[0], case.out_channels
    return 1, *case.out_image, case.out_channels


def _constants(case: Case, weights: Weights) -> list[TensorProto]:
    codes = weights.codes.numpy()
    bias = torch.round(weights.bias / (X_SCALE * weights.scale)).to(torch.int32).numpy()
    # A Gemm's QDQ form takes B as [K, N]; QLinearConv takes [O, I, kh, kw].
    matrix = np.ascontiguousarray(codes.reshape(case.out_channels, -1).T)
    values: dict[str, Any] = {
        "w": matrix if case.is_linear else codes,
        "w_scale": weights.scale.numpy(),
        "w_zero": np.zeros(case.out_channels, np.int8),
        "bias": bias,
        "bias_scale": (X_SCALE * weights.scale).numpy(),
        "bias_zero": np.zeros(case.out_channels, np.int32),
        "x_scale": np.float32(X_SCALE),
        "x_zero": np.uint8(X_ZERO_POINT + 128),
        "y_scale": np.float32(OUT_SCALE),
        "y_zero": np.uint8(OUT_ZERO_POINT + 128),
    }
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]


def _window(case: Case) -> dict[str, Any]:
    return {
        "kernel_shape": case.kernel,
        "strides": case.stride,
        "pads": [*case.padding, *case.padding],
        "group": case.groups,
    }


def _qlinear(case: Case, weights: Weights) -> onnx.ModelProto:
    """The operators that ONNX Runtime's optimizer makes of QDQ pairs around a layer."""
    if case.is_linear:
        names = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "bias", "y_scale", "y_zero"]
        node = helper.make_node("QGemm", names, ["y"], domain="com.microsoft")
    else:
        names = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "bias"]
        node = helper.make_node(
            "QLinearConv", names, ["y"], domain="com.microsoft", channels_last=1, **_window(case)
        )
    return _model(case, [node], [c for c in _constants(case, weights) if c.name in names])


def _qdq(case: Case, weights: Weights) -> onnx.ModelProto:
    """Float operators between DequantizeLinear and QuantizeLinear, NHWC at the edges."""

    def dequantize(name: str, axis: int | None = None) -> onnx.NodeProto:
        inputs = [name, f"{name}_scale", f"{name}_zero"]
        attributes = {} if axis is None else {"axis": axis}
        return helper.make_node("DequantizeLinear", inputs, [f"{name}_float"], **attributes)

    edge = dequantize("x"), dequantize("bias", 0)
    result = helper.make_node("QuantizeLinear", ["y_float", "y_scale", "y_zero"], ["y"])
    if case.is_linear:
        # Gemm's bias as an Add, which OpenVINO folds into its matrix product.
        layer = [
            dequantize("w", 1),
            helper.make_node("MatMul", ["x_float", "w_float"], ["product"]),
            helper.make_node("Add", ["product", "bias_float"], ["y_float"]),
        ]
    else:
        names = ["x_nchw", "w_float", "bias_float"]
        layer = [
            dequantize("w", 0),
            helper.make_node("Transpose", ["x_float"], ["x_nchw"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", names, ["y_nchw"], **_window(case)),
            helper.make_node("Transpose", ["y_nchw"], ["y_float"], perm=[0, 2, 3, 1]),
        ]
    return _model(case, [*edge, *layer, result], _constants(case, weights))


def _model(case: Case, nodes: list[onnx.NodeProto], constants: list[TensorProto]) -> onnx.ModelProto:
    shapes = {"x": _unsigned(case).shape, "y": _result_shape(case)}
    x, y = (helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in shapes.items())
    graph = helper.make_graph(nodes, "layer", [x], [y], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return model

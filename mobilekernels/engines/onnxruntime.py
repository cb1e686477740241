"""ONNX Runtime's CPU provider, int8 by its own static quantization."""

from __future__ import annotations

import torch

from mobilekernels.engines.base import EngineAbsent, Prepared, Subject, engine
from mobilekernels.engines.onnx_int8 import Recipe, arrays, quantized_onnx

# QOperator files and unoptimized ones are as fast; with float between convolutions it takes up to 3 times,
# and from torch.export's pieces of GlobalAveragePool up to a quarter longer.
RECIPE = Recipe(optimize=True, inputs_only=False)


@engine("onnxruntime-int8", "ONNX Runtime int8", "int8")
def INT8(subject: Subject) -> Prepared:
    """Float in, float out: the file quantizes and dequantizes at its edges."""
    model = quantized_onnx(subject, RECIPE)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = subject.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Its threads would wait in a busy loop behind a call, on the time of the engine that comes next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have RuntimeError and less in common
        raise EngineAbsent(f"ONNX Runtime refused the model: {str(error)[:160]}") from error
    names = [value.name for value in session.get_inputs()]
    outputs = [session.get_outputs()[0].name]

    def run(*inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(outputs, dict(zip(names, arrays(inputs), strict=True)))[0])

    return Prepared(run=run, note=f"QDQ, per channel; onnxruntime {onnxruntime.__version__}")

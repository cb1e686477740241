"""OpenVINO's CPU plugin on the int8 ONNX file that ONNX Runtime's quantization gives."""

from __future__ import annotations

import torch

from mobilekernels.engines.base import EngineAbsent, Prepared, Subject, engine
from mobilekernels.engines.onnx_int8 import arrays, quantized_onnx


@engine("openvino-int8", "OpenVINO int8", "int8")
def INT8(subject: Subject) -> Prepared:
    """Float in, float out, one stream: its settings for latency."""
    model = quantized_onnx(subject, runtimes=["openvino"])
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": subject.threads,
        # Where threads run is for who compares to say, alike for all engines.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
    except Exception as error:  # whatever the plugin raises
        raise EngineAbsent(f"OpenVINO refused the model: {str(error)[:160]}") from error
    request = compiled.create_infer_request()

    def run(*inputs: torch.Tensor) -> torch.Tensor:
        result = request.infer(dict(enumerate(arrays(inputs))), share_inputs=True)
        return torch.from_numpy(result[0])

    return Prepared(run=run, note=f"ONNX Runtime's QDQ file; openvino {openvino.get_version().split('-')[0]}")

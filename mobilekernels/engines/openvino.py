"""OpenVINO's CPU plugin on an int8 ONNX file that ONNX Runtime's quantization gives."""

from __future__ import annotations

import torch

from mobilekernels.engines.base import EngineAbsent, Prepared, Subject, engine
from mobilekernels.engines.onnx_int8 import Recipe, arrays, quantized_onnx

# It fuses activations and residual adds into convolutions where no quantization stands between: 4.0 ms for
# 6.6 on MobileNetV3, 8.6 for 14 on EfficientNet-B0 against the file that ONNX Runtime likes.
RECIPE = Recipe(optimize=False, inputs_only=True)


@engine("openvino-int8", "OpenVINO int8", "int8")
def INT8(subject: Subject) -> Prepared:
    """Float in, float out, one stream: its settings for latency."""
    model = quantized_onnx(subject, RECIPE, runtimes=["openvino"])
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

    return Prepared(
        run=run, note=f"QDQ by ONNX Runtime, per channel; openvino {openvino.get_version().split('-')[0]}"
    )

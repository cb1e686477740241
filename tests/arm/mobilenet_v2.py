"""MobileNetV2 end to end on two machines: quantized on one, converted on both, and both must give the same
bytes.

`python -m tests.arm.mobilenet_v2 FILE` quantizes it (FX, random weights with a seed), converts it here and
writes what the other machine needs: the quantized state_dict; the converted network as its one segment
(program and constants); and the input, output and packed weights to compare with.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import mobilekernels as mk
from mobilekernels.engines.torch_int8 import quantized_engine
from tests.frontends.quantized import torchvision_model

SIZE = 224


def quantized(calibrate: bool) -> nn.Module:
    """The FX-quantized network; without calibration it has only the structure, for load_state_dict."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
    from torchvision.models import mobilenet_v2

    # Batch statistics keep the activations of random weights alive through the depth.
    model = torchvision_model("mobilenet_v2") if calibrate else mobilenet_v2(weights=None).eval()
    torch.manual_seed(0)
    example = torch.randn(1, 3, SIZE, SIZE)
    with quantized_engine("qnnpack"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, and convert_fx tells that it saw no data
        prepared = prepare_fx(model, get_default_qconfig_mapping("qnnpack"), (example,))
        if calibrate:
            prepared(example)
        result: nn.Module = convert_fx(prepared)
    return result


def converted(model: nn.Module, x: Tensor) -> mk.ConvertedModel:
    """Every convolution and linear layer on our kernels."""
    fast, report = mk.convert(model, (x,))
    assert report.mac_coverage == 1.0, str(report)
    return fast


def segment(model: mk.ConvertedModel) -> dict[str, Any]:
    """The whole network as the two other arguments of torch.ops.mobilekernels.segment."""
    segment = torch.ops.mobilekernels.segment.default
    (call,) = (node for node in model.graph_module.graph.nodes if node.target is segment)
    _, constants, program = call.args
    return {
        "constants": [model.graph_module.get_buffer(constant.target) for constant in constants],
        "program": program,
    }


def write(path: Path) -> None:
    model = quantized(calibrate=True)
    x = torch.randn(1, 3, SIZE, SIZE)
    fast = converted(model, x)
    with torch.no_grad():
        output = fast(x)
    # A network that gives the same whatever it sees would prove nothing.
    assert output.unique().numel() > 10
    compared = {"x": x, "buffers": fast.state_dict(), "output": output}
    torch.save({"model": model.state_dict(), "segment": segment(fast), **compared}, path)


if __name__ == "__main__":
    write(Path(sys.argv[1]))

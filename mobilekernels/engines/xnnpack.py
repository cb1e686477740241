"""XNNPACK through ExecuTorch: float, int8 by its own quantizer, and int8 on the graph that we convert."""

from __future__ import annotations

import copy
import warnings

import torch
from torch.fx import GraphModule

from mobilekernels.engines.base import EngineAbsent, Prepared, Subject, engine
from mobilekernels.engines.executorch_runtime import lower_and_load, require_executorch


@engine("xnnpack-float", "ExecuTorch XNNPACK float32", "float32")
def FLOAT(subject: Subject) -> Prepared:
    """The float module, delegated."""
    require_executorch()
    return lower_and_load(subject.float_model, subject)


@engine("xnnpack", "ExecuTorch XNNPACK int8", "int8")
def INT8(subject: Subject) -> Prepared:
    """XNNPACKQuantizer with its per-channel default configuration."""
    require_executorch()
    if not subject.calibration:
        raise EngineAbsent("no calibration data was given")
    return lower_and_load(_quantize(subject), subject)


@engine("xnnpack-same", "ExecuTorch XNNPACK int8, our quantized graph", "int8")
def SAME_GRAPH(subject: Subject) -> Prepared:
    """The graph that was converted: the difference is the kernels alone."""
    require_executorch()
    if subject.quantized is None:
        raise EngineAbsent("the quantized graph was not given (compare's `quantized`)")
    return lower_and_load(subject.quantized, subject)


def _quantize(subject: Subject) -> GraphModule:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model = copy.deepcopy(subject.float_model).eval()
        graph = torch.export.export(model, subject.example_inputs).module()
        quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(graph, quantizer)
        for inputs in subject.calibration:
            prepared(*inputs)
        converted = convert_pt2e(prepared)
    assert isinstance(converted, GraphModule)
    return converted

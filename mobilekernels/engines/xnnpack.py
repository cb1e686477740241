"""XNNPACK through ExecuTorch: float, int8 by its own quantizer, and int8 on the graph that we convert."""

from __future__ import annotations

import copy
import warnings

import torch
from torch.fx import GraphModule

from mobilekernels.engines.base import EngineAbsent, Pending, Subject, engine
from mobilekernels.engines.executorch_runtime import begin_lowering, require_executorch


@engine("xnnpack-float", "ExecuTorch XNNPACK float32", "float32", slow=True)
def FLOAT(subject: Subject) -> Pending:
    """The float module, delegated."""
    require_executorch()
    return begin_lowering(subject.float_model, subject)


@engine("xnnpack", "ExecuTorch XNNPACK int8", "int8", slow=True)
def INT8(subject: Subject) -> Pending:
    """XNNPACKQuantizer with its per-channel default configuration."""
    require_executorch()
    if not subject.calibration:
        raise EngineAbsent("no calibration data was given")
    try:
        quantized = _quantize(subject)
    except Exception as error:  # torch.export and torchao raise a dozen types
        raise EngineAbsent(f"XNNPACKQuantizer failed: {type(error).__name__}: {str(error)[:160]}") from error
    return begin_lowering(quantized, subject)


@engine("xnnpack-same", "ExecuTorch XNNPACK int8, our quantized graph", "int8", slow=True)
def SAME_GRAPH(subject: Subject) -> Pending:
    """The graph that was converted: the difference is the kernels alone."""
    require_executorch()
    if subject.quantized is None:
        raise EngineAbsent("the quantized graph was not given (compare's `quantized`)")
    return begin_lowering(subject.quantized, subject)


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

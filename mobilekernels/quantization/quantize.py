"""Post-training quantization for people who have a float module and some data."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule

from mobilekernels.progress import say, track
from mobilekernels.pruning.fold import fold_masks, has_masks
from mobilekernels.quantization.bias_correction import Samples, channel_means, correct_biases
from mobilekernels.quantization.calibration import CalibrationData
from mobilekernels.quantization.capture import capture
from mobilekernels.quantization.strides import make_contiguous
from mobilekernels.requirements import require

OBSERVER_NAMES = ("histogram", "minmax", "mse")


def quantize(
    model: nn.Module,
    calibration_data: Iterable[Any],
    *,
    observer: str = "histogram",
    bits: int = 8,
    skip: Sequence[str] = (),
    example_inputs: tuple[torch.Tensor, ...] | None = None,
    progress: bool = True,
    dynamic_batch: bool = True,
    quantize_output: bool = True,
    bias_correction: bool = True,
) -> GraphModule:
    """Quantize a float model to int8 after calibration on real data.

    BatchNorm is folded, weights are int8 symmetric per output channel in [-127, 127], activations int8 affine
    per tensor. The result is a PT2E graph (quantize and dequantize nodes around float operators): any PT2E
    backend runs it, and ``mobilekernels.convert`` puts it on this package's kernels.

    Args:
        model: a float32 module on the CPU; it is not changed. Masks of torch.nn.utils.prune and
            torch.ao.pruning become zeros in the weights.
        calibration_data: an iterable of input tensors, of tuples of inputs, or of (input, label) pairs, or a
            DataLoader. A few dozen real inputs are enough; random data gives wrong ranges.
        observer: how activation ranges are found. ``"histogram"`` minimises the L2 error approximately,
            ``"mse"`` exactly over a histogram, ``"minmax"`` takes the extremes.
        bits: 8 is what there is.
        skip: shell patterns of module names (``"classifier*"``, ``"features.0"``) that stay in float.
        example_inputs: inputs to trace with; the first calibration item where None.
        progress: whether to show progress on stderr.
        dynamic_batch: whether to let the batch (first dimension of every input) vary. A model that forbids it
            is captured with a static one, with a warning.
        bias_correction: whether to move biases so that each layer keeps its float mean, measured on the first
            calibration rows; it costs a pass over them and gains decibels on depthwise networks.
        quantize_output: False keeps the result of the last linear or convolution in float.

    Returns:
        The quantized graph.

    Raises:
        TypeError, ValueError, NotImplementedError: an argument is of a wrong type or value; the message names
            it.
        ImportError: torchao is missing (``pip install mobilekernels[quantize]``).
    """
    _check_model(model)
    if observer not in OBSERVER_NAMES:
        raise ValueError(f"observer: given {observer!r}; accepted are {', '.join(map(repr, OBSERVER_NAMES))}")
    if bits != 8:
        raise NotImplementedError(f"bits: given {bits!r}; accepted is 8")
    if example_inputs is not None:
        _check_example_inputs(example_inputs)
    data = CalibrationData(calibration_data, None if example_inputs is None else len(example_inputs))
    require("torchao.quantization.pt2e.quantize_pt2e", "quantize", "mobilekernels.quantize")
    with warnings.catch_warnings():
        # What torchao deprecates is not the user's to act on.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        return _quantize(
            model,
            data,
            observer=observer,
            skip=skip,
            example_inputs=example_inputs or data.first,
            progress=progress,
            dynamic_batch=dynamic_batch,
            quantize_output=quantize_output,
            bias_correction=bias_correction,
        )


def _quantize(
    model: nn.Module,
    data: CalibrationData,
    *,
    observer: str,
    skip: Sequence[str],
    example_inputs: tuple[torch.Tensor, ...],
    progress: bool,
    dynamic_batch: bool,
    quantize_output: bool,
    bias_correction: bool,
) -> GraphModule:
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from mobilekernels.quantization.activation_observers import OBSERVERS
    from mobilekernels.quantization.quantizer import MobileKernelsQuantizer, int8_activation, int8_weight
    from mobilekernels.quantization.weight_observer import PerChannelWeightObserver

    quantizer = MobileKernelsQuantizer(
        int8_activation(OBSERVERS[observer]),
        int8_weight(PerChannelWeightObserver),
        skip=skip,
        quantize_output=quantize_output,
    )
    say("Capturing the model", progress)
    if has_masks(model):
        model = fold_masks(model)
    prepared = prepare_pt2e(capture(model, example_inputs, dynamic_batch), quantizer)
    samples = Samples()
    with torch.no_grad():
        for index, inputs in enumerate(track(data, "Calibrating", show=progress)):
            _observe(prepared, inputs, index)
            samples.add(inputs)
        say("Quantizing", progress)
        means = channel_means(prepared, samples, _is_observer) if bias_correction else {}
        quantized = convert_pt2e(prepared)
        assert isinstance(quantized, GraphModule)
        if bias_correction:
            correct_biases(quantized, samples, means)
    make_contiguous(quantized)
    return quantized


def _is_observer(module: nn.Module) -> bool:
    from torchao.quantization.pt2e.observer import ObserverBase

    return isinstance(module, ObserverBase)


def _observe(prepared: GraphModule, inputs: tuple[torch.Tensor, ...], index: int) -> None:
    try:
        prepared(*inputs)
    except Exception as error:
        shapes = [tuple(tensor.shape) for tensor in inputs]
        raise ValueError(
            f"calibration_data[{index}]: given inputs of shapes {shapes}, which the model captured from "
            f"example_inputs (the first item where not given) refuses: {error}"
        ) from error


def _check_model(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: given a {type(model).__name__}; accepted is a float torch.nn.Module")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.device.type != "cpu":
            raise ValueError(f"model: {name} is on {tensor.device}; accepted are models on the CPU")
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise ValueError(f"model: {name} is {tensor.dtype}; accepted are float32 models")
    if isinstance(model, GraphModule) and any("quantize" in str(node.target) for node in model.graph.nodes):
        raise ValueError(
            "model: given a graph that is quantized already; accepted is a float torch.nn.Module"
        )


def _check_example_inputs(inputs: object) -> None:
    if not isinstance(inputs, tuple) or not inputs or not all(isinstance(i, torch.Tensor) for i in inputs):
        raise TypeError(
            f"example_inputs: given a {type(inputs).__name__}; accepted is a tuple of tensors, not empty"
        )

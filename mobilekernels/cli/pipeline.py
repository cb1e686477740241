"""What convert, compare and inspect have in common: a named model, quantized where it is float, converted."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.fx import GraphModule

from mobilekernels.cli import data
from mobilekernels.cli.exits import UsageError
from mobilekernels.export.program import trace
from mobilekernels.models import Model, load_model

if TYPE_CHECKING:
    from mobilekernels.report import Report

RANDOM_CALLS = 8


@dataclass(frozen=True)
class Pipeline:
    """A model on its way.

    Attributes:
        example: one call's inputs.
        quantized: the quantized model, as given or made here.
        converted, report: what ``mobilekernels.convert`` returned.
        float_module: the float model, or None where a quantized one was given.
        calibration: the calls that it was calibrated on.
        random: whether these were random.
    """

    example: data.Inputs
    quantized: nn.Module
    converted: nn.Module
    report: Report
    float_module: nn.Module | None
    calibration: list[data.Inputs]
    random: bool


def named_model(source: str) -> Model:
    """The model of the command line; a name that leads nowhere is wrong usage."""
    try:
        return load_model(source)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def run_pipeline(args: argparse.Namespace, loud: bool) -> Pipeline:
    """Load, quantize (if float) and convert the model of the command line.

    Args:
        loud: whether random calibration deserves a warning that nobody overlooks.
    """
    from mobilekernels.convert import convert

    model = named_model(args.model)
    example = data.example_inputs(model, args.input_shape)
    calibration: list[data.Inputs] = []
    quantized, float_module = model.module, None
    random = False
    if not is_quantized(model.module):
        calibration, random = _calibration(args, example, loud)
        float_module = model.module
        quantized = _quantize(model.module, calibration, example, args)
    converted, report = convert(quantized, example, **_sparsity(args))
    return Pipeline(example, quantized, converted, report, float_module, calibration, random)


def _sparsity(args: argparse.Namespace) -> dict[str, Any]:
    """What `options.add_sparsity` asked of `convert`; nothing where a command has no such options."""
    return {name: value for name, value in vars(args).items() if name in ("sparse", "curves", "target")}


def is_quantized(module: nn.Module) -> bool:
    """Whether a model has quantized operators of any kind, ours included."""
    if any("quantized" in type(child).__module__ for child in module.modules()):
        return True
    if not isinstance(module, GraphModule):
        return False
    names = (str(node.target) for node in module.graph.nodes if node.op == "call_function")
    return any("quantize" in name or name.startswith("mobilekernels") for name in names)


def is_converted(module: nn.Module) -> bool:
    """Whether a model runs on our operators already."""
    return isinstance(module, GraphModule) and any(
        str(node.target).startswith("mobilekernels.") for node in module.graph.nodes
    )


def _calibration(
    args: argparse.Namespace, example: data.Inputs, loud: bool
) -> tuple[list[data.Inputs], bool]:
    folder = getattr(args, "calibration", None)
    if folder is not None:
        return data.folder_calls(folder, example, args.mean, args.std), False
    if loud:
        _shout("CALIBRATED ON RANDOM DATA: the ranges are wrong for real inputs; give --calibration DIR")
    return data.random_calls(example, RANDOM_CALLS), True


def _quantize(
    module: nn.Module, calibration: list[data.Inputs], example: data.Inputs, args: argparse.Namespace
) -> GraphModule:
    from mobilekernels.quantization import quantize

    return quantize(
        module,
        calibration,
        observer=getattr(args, "observer", "minmax"),
        skip=tuple(getattr(args, "skip", ())),
        example_inputs=example,
    )


def _shout(message: str) -> None:
    line = "!" * (len(message) + 6)
    print(f"{line}\n!! {message} !!\n{line}", file=sys.stderr, flush=True)


def export_converted(converted: nn.Module, example: data.Inputs, path: str) -> str:
    """Save as .pt2, with a dynamic batch where the model allows it; returns "dynamic" or "static"."""
    traced = trace(converted, example)
    if traced.why_static:
        print(f"warning: the batch of the saved model is static: {traced.why_static}", file=sys.stderr)
    torch.export.save(traced.program, path)
    return traced.batch

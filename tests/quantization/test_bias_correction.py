"""Bias correction: layers keep their float means, and networks their signal."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.metrics import sqnr
from mobilekernels.quantization.bias_correction import PRIOR_ROWS, ROWS, Samples
from tests.quantization.graphs import find

aten = torch.ops.aten


def depthwise_network() -> nn.Module:
    torch.manual_seed(11)
    layers: list[nn.Module] = [nn.Conv2d(3, 24, 3, 2, 1)]
    for _ in range(4):
        layers += [nn.ReLU6(), nn.Conv2d(24, 24, 5, padding=2, groups=24), nn.ReLU6(), nn.Conv2d(24, 24, 1)]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10))
    # Weights of one sign: their rounding errors shift the mean, as in trained depthwise layers.
    for layer in model:
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            layer.weight.data.abs_().pow_(3).mul_(60)
    return model.eval()


def images(rows: int, seed: int) -> torch.Tensor:
    return torch.rand(rows, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


def test_correction_gains_decibels_on_data_it_has_not_seen() -> None:
    model, unseen = depthwise_network(), images(16, 2)
    with torch.no_grad():
        reference = model(unseen)
        found = {
            corrected: sqnr(
                reference,
                mk.quantize(model, images(48, 1).split(8), bias_correction=corrected, progress=False)(unseen),
            )
            for corrected in (False, True)
        }
    assert found[True] > found[False] + 1.0, found


def test_mean_of_the_result_is_the_float_mean_but_for_the_prior() -> None:
    model, data = depthwise_network(), images(ROWS, 1)
    with torch.no_grad():
        wanted = model(data).mean(0)
        graph = mk.quantize(model, [data], quantize_output=False, progress=False)
        plain = mk.quantize(model, [data], quantize_output=False, bias_correction=False, progress=False)
        # Only the last layer's own share of the correction can be seen from outside.
        bias = graph.get_buffer(str(find(graph, aten.linear.default).args[2]))
        moved = bias - model[-1].bias  # type: ignore[index, operator]
        shift = wanted - (graph(data).mean(0) - moved)
        share = ROWS / (ROWS + PRIOR_ROWS)
    assert torch.allclose(moved, share * shift, rtol=1e-2, atol=1e-5)
    assert not torch.equal(graph(data), plain(data))


def test_layers_without_bias_and_with_a_shared_one() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.two(self.two(self.one(x)))
            return y

    model, data = Shared().eval(), images(8, 3)
    graph = mk.quantize(model, [data], progress=False)
    biases = [node.args[2].name for node in graph.graph.nodes if node.target is aten.conv2d.default]
    assert len(set(biases)) == 3
    fast, report = mk.convert(graph, (data,))
    assert not report.stock
    with torch.no_grad():
        assert sqnr(model(data), fast(data)) > 30


@pytest.mark.parametrize("batches", [(1, 1, 1), (20, 20, 20), (64, 1)])
def test_samples_keep_the_first_rows(batches: tuple[int, ...]) -> None:
    samples = Samples(rows=32)
    for rows in batches:
        samples.add((torch.zeros(rows, 3),))
    expected = {(1, 1, 1): 3, (20, 20, 20): 40, (64, 1): 64}
    assert samples.rows == expected[batches]
    assert sum(call[0].shape[0] for call in samples.kept) == samples.rows

"""What the quantizer annotates: every value that our kernels take or give is int8, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.quantization.graphs import DQ_CHANNELS, Q, find, input_params, operators, output_params, quantized

aten = torch.ops.aten


class Net(nn.Module):
    """A convolution, then a function of its result (and of a second one), then a convolution."""

    def __init__(self, function: Callable[..., torch.Tensor], inputs: int = 1) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Conv2d(3, 8, 3, padding=1) for _ in range(inputs))
        self.last = nn.LazyConv2d(4, 1)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.last(self.function(*(conv(x) for conv in self.first)))
        return result


def net(function: Callable[..., torch.Tensor], inputs: int = 1) -> nn.Module:
    model = Net(function, inputs)
    model(torch.randn(2, 3, 8, 8))
    return model.eval()


@pytest.mark.parametrize(
    ("clamp", "target"),
    [
        (F.relu, aten.relu.default),
        (torch.relu_, aten.relu.default),
        (F.relu6, aten.relu6.default),
        (nn.ReLU6(inplace=True), aten.hardtanh.default),
        (lambda x: F.hardtanh(x, -1.0, 1.0), aten.hardtanh.default),
        (lambda x: torch.clamp(x, -0.5, 2.0), aten.clamp.default),
    ],
)
def test_clamp_belongs_to_the_convolution(clamp: Callable[..., torch.Tensor], target: object) -> None:
    graph = quantized(net(clamp), 2, 3, 8, 8)
    node = find(graph, target)
    assert node.args[0].target is aten.conv2d.default  # type: ignore[union-attr]
    scale, zero_point = output_params(node)
    assert scale > 0
    if target is aten.relu.default:
        assert zero_point == -128, "all 256 codes are for the positive side"


@pytest.mark.parametrize("clamp", [F.relu, F.relu6])
@pytest.mark.parametrize("binary", [torch.add, torch.mul])
def test_clamp_belongs_to_the_binary_operator(
    binary: Callable[..., torch.Tensor], clamp: Callable[..., torch.Tensor]
) -> None:
    graph = quantized(net(lambda a, b: clamp(binary(a, b)), 2), 2, 3, 8, 8)
    node = find(graph, aten.add.Tensor if binary is torch.add else aten.mul.Tensor)
    input_params(node, 0)
    input_params(node, 1)
    (reader,) = node.users
    assert reader.target in (aten.relu.default, aten.relu6.default)
    output_params(reader)


def test_clamped_value_with_a_second_reader_stays_apart() -> None:
    graph = quantized(net(lambda x: torch.cat((x, F.relu(x)), 1)), 2, 3, 8, 8)
    relu = find(graph, aten.relu.default)
    input_params(relu)
    output_params(relu)


@pytest.mark.parametrize(
    "function",
    [
        F.hardswish,
        F.hardsigmoid,
        torch.sigmoid,
        F.silu,
        F.gelu,
        torch.tanh,
        F.leaky_relu,
        F.elu,
        F.mish,
        F.softplus,
        lambda x: x * torch.sigmoid(x),
        lambda x: x * F.relu6(x + 3) / 6,
        lambda x: F.relu(x * torch.sigmoid(x)),
        lambda x: x + x,
        lambda x: 1 - x,
    ],
)
def test_functions_of_one_tensor_are_quantized_at_their_ends(function: Callable[..., torch.Tensor]) -> None:
    graph = quantized(net(function), 2, 3, 8, 8)
    first, *inside, last = operators(graph)
    assert {first.target, last.target} == {aten.conv2d.default}
    output_params(first)
    input_params(last)
    quantizers = [node for node in graph.graph.nodes if node.target is Q]
    assert len(quantizers) == 4, "input, first convolution, region, result; nothing inside the region"
    for node in inside:
        assert Q not in {source.target for source in node.all_input_nodes}


def test_region_value_that_is_read_outside_is_quantized() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        gate = torch.sigmoid(x)
        return torch.cat((x * gate, gate), 1)

    graph = quantized(net(function), 2, 3, 8, 8)
    output_params(find(graph, aten.sigmoid.default))
    mul = find(graph, aten.mul.Tensor)
    input_params(mul, 0)
    input_params(mul, 1)


@pytest.mark.parametrize(
    ("function", "target"),
    [
        (lambda x: F.max_pool2d(x, 2), aten.max_pool2d.default),
        (lambda x: F.pad(x, (0, 1, 0, 1)), aten.constant_pad_nd.default),
        (lambda x: x.permute(0, 1, 3, 2), aten.permute.default),
        (lambda x: x.transpose(2, 3), aten.transpose.int),
        (lambda x: x[:, 2:6], aten.slice.Tensor),
        (lambda x: x.reshape(-1, 8, 16, 4), aten.view.default),
        (lambda x: F.dropout(x, 0.5, training=False), aten.dropout.default),
    ],
)
def test_movement_keeps_the_grid(function: Callable[..., torch.Tensor], target: object) -> None:
    graph = quantized(net(function), 2, 3, 8, 8)
    nodes = [node for node in operators(graph) if node.target in (target, aten.reshape.default)]
    assert nodes
    for node in nodes:
        assert input_params(node) == output_params(node)


def test_chunks_keep_the_grid() -> None:
    graph = quantized(net(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)), 2, 3, 8, 8)
    chunk = find(graph, aten.chunk.default)
    grid = input_params(chunk)
    assert [output_params(part) for part in chunk.users] == [grid, grid]
    assert output_params(find(graph, aten.cat.default)) == grid


def test_concatenation_shares_one_grid() -> None:
    graph = quantized(net(lambda a, b: torch.cat((a, F.relu(b)), 1), 2), 2, 3, 8, 8)
    cat = find(graph, aten.cat.default)
    parts = cat.args[0]
    assert isinstance(parts, (list, tuple))
    grids = {(part.args[1], part.args[2]) for part in parts}  # type: ignore[union-attr]
    assert grids == {output_params(cat)}


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.avg_pool2d(x, 2),
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: x.mean((2, 3), keepdim=True),
        lambda x: x.mean((-1, -2), keepdim=True),
    ],
)
def test_averages_have_their_own_grid(pool: Callable[..., torch.Tensor]) -> None:
    graph = quantized(net(pool), 2, 3, 8, 8)
    _, node, _ = operators(graph)
    assert output_params(node)[0] < input_params(node)[0], "an average varies less than its values"


def test_mean_over_channels_stays_float() -> None:
    graph = quantized(net(lambda x: x.mean(1, keepdim=True)), 2, 3, 8, 8)
    mean = find(graph, aten.mean.dim)
    (reader,) = mean.users
    assert reader.target is Q, "the convolution after it takes int8"


def test_float_island_is_left_alone() -> None:
    graph = quantized(net(lambda x: torch.relu(F.layer_norm(x, x.shape[1:]))), 2, 3, 8, 8)
    relu = find(graph, aten.relu.default)
    assert relu.args[0].target is aten.layer_norm.default  # type: ignore[union-attr]
    output_params(relu)


def test_batch_norm_is_folded_and_weights_are_per_channel() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1))
    model.train()(torch.randn(16, 3, 8, 8))
    graph = quantized(model.eval(), 2, 3, 8, 8)
    assert not [node for node in operators(graph) if "norm" in str(node.target)]
    weights = [node for node in graph.graph.nodes if node.target is DQ_CHANNELS]
    assert len(weights) == 2
    for node in weights:
        weight, scales = (getattr(graph, source.target) for source in node.args[:2])
        assert weight.dtype == torch.int8
        assert scales.shape == (weight.shape[0],)
        assert int(weight.min()) >= -127
        largest = weight.abs().amax(dim=tuple(range(1, weight.dim())))
        assert (largest == 127).all(), "each channel uses all of its range"


def test_last_result_can_stay_float() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))
    graph = quantized(model, 2, 3, 2, 2, quantize_output=False)
    *_, last = operators(graph)
    assert last.target is aten.linear.default
    assert {user.op for user in last.users} == {"output"}
    graph = quantized(model, 2, 3, 2, 2)
    *_, last = operators(graph)
    output_params(last)


def test_skipped_modules_stay_float() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 1))
    graph = quantized(model, 2, 3, 8, 8, skip=("2",))
    first, _, middle, last = operators(graph)
    assert middle.args[1].op == "get_attr"  # type: ignore[union-attr]
    for node in (first, last):
        assert node.args[1].target is DQ_CHANNELS  # type: ignore[union-attr]


def test_reader_before_an_in_place_operator_sees_the_old_value() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            before = y * 2.0
            y.relu_()
            return before + y

    model = Block().eval()
    x = torch.randn(2, 3, 8, 8)
    graph = quantized(model, 2, 3, 8, 8)
    with torch.no_grad():
        expected, found = model(x), graph(x)
    assert torch.nn.functional.cosine_similarity(expected.flatten(), found.flatten(), dim=0) > 0.999

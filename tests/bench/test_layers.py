"""Layer lists made from converted models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.bench import layers
from mobilekernels.bench.layers import Layer, layers_of, parse

LISTS = Path(__file__).parents[2] / "bench" / "layers"
ALL_OPS = Path(__file__).with_name("layers.txt")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, (3, 5), stride=(2, 1), padding=(1, 2))
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.last = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first(x))
        y = nn.functional.max_pool2d(y + self.depthwise(y), 2)
        return torch.softmax(self.last(torch.flatten(nn.functional.adaptive_avg_pool2d(y, 1), 1)), 1)


def test_the_list_of_a_converted_model() -> None:
    x = torch.randn(2, 3, 8, 6)
    fast, _ = mk.convert(mk.quantize(Net().eval(), [x]), x)
    found = layers_of(fast.graph_module, [x])
    assert [str(layer).partition(": ")[2] for layer in found.layers] == [
        "quantize_nhwc channels=3 image=8x6 batch=2",
        "conv2d in=3 out=16 kernel=3x5 stride=2x1 pad=1x2 image=8x6 batch=2",
        "conv2d_add in=16 out=16 kernel=3x3 pad=1x1 groups=16 image=4x6 batch=2",
        "max_pool2d channels=16 image=4x6 batch=2 kernel=2x2 stride=2x2",
        "adaptive_avg_pool2d channels=16 image=2x3 batch=2 size=1x1",
        "linear rows=2 in=16 out=5",
        "dequantize shape=2x5",
    ]
    assert found.others == {"flatten": 1, "softmax": 1}
    text = found.text("net")
    assert text.startswith("# net: ")
    assert "flatten x1, softmax x1" in text
    assert parse(text) == list(found.layers)


def test_the_committed_list_is_what_the_network_gives() -> None:
    models = pytest.importorskip(
        "torchvision", reason="needs torchvision: pip install mobilekernels[demo]"
    ).models
    x = torch.randn(1, 3, 224, 224)
    fast, _ = mk.convert(mk.quantize(models.squeezenet1_1(weights=None).eval(), [x]), x)
    text = layers_of(fast.graph_module, [x]).text("torchvision:squeezenet1_1")
    assert text == (LISTS / "squeezenet1_1.txt").read_text()


def test_uneven_padding_and_flags() -> None:
    image = torch.zeros(1, 4, 4, 8, dtype=torch.int8)
    assert layers._window((2, 2), (1, 1), (0, 1, 0, 1), (2, 1)) == {
        "kernel": "2x2",
        "pad": "0x1x0x1",
        "dilation": "2x1",
    }
    assert layers._VALUES["avg_pool2d"]([image, [2, 2], [1, 1], [0] * 4, True, False, 3]) == {
        "channels": "8",
        "image": "4x4",
        "kernel": "2x2",
        "ceil": "1",
        "count_pad": "0",
        "divisor": "3",
    }
    parts = [image, image[..., :4]]
    assert layers._VALUES["concat"]([parts, -1]) == {"outer": "16", "inner": "8x4"}


def test_block_sparse_weights_say_so() -> None:
    weight = torch.ones(6, 8, 1, 1, dtype=torch.int8)
    weight[:4, 4:] = 0
    packed = mk.packing.pack_conv2d(weight, None, 0.1, 0.1, 0, 0.1, block=(4, 4))
    image = torch.zeros(1, 3, 3, 8, dtype=torch.int8)
    values = layers._VALUES["conv2d"]([image, packed, 6, [1, 1], [1, 1], [0] * 4, [1, 1], 1, 0])
    assert values == {"in": "8", "out": "6", "kernel": "1x1", "image": "3x3", "block": "4x4", "zeros": "25"}


def test_every_operator_has_an_entry() -> None:
    ours = {
        name.split("::")[1]
        for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("mobilekernels::")
    }
    # A segment is listed as the operators in it.
    assert {name.partition(".")[0] for name in ours} - {"segment"} == set(layers._VALUES)
    # "read" is no operator: the memory that others are set against.
    assert {layer.op for layer in parse(ALL_OPS.read_text())} - {"read"} == set(layers._VALUES)


def test_parse() -> None:
    assert parse("# x\n\na.b: linear rows=1 in=2 out=3 # y\n") == [
        Layer("a.b", "linear", {"rows": "1", "in": "2", "out": "3"})
    ]


@pytest.mark.parametrize("line", ["a", "a:", "a linear", ": linear", "a: linear rows"])
def test_parse_names_the_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"layers: line 2: given '.*', accepted 'name: op key=value"):
        parse(f"\n{line}\n")

"""One layer of a list, with the same data for every engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from mobilekernels.bench.layers import Layer, parse

X_SCALE, X_ZERO_POINT = 0.05, 3
OUT_SCALE, OUT_ZERO_POINT = 0.07, -5
# A layer that costs nothing: its time is what a call of the engine from Python costs.
CALL = "call: conv2d in=16 out=16 kernel=1x1 image=2x2"


@dataclass(frozen=True)
class Case:
    """A convolution (a linear layer is one of 1x1 on an image of one column) of batch 1.

    Attributes:
        window: kernel, stride and padding, (height, width) each.
        image: height and width.
        is_linear: whether engines run it as a linear layer, on [rows, channels].
    """

    name: str
    channels: int
    out_channels: int
    image: tuple[int, int]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    is_linear: bool = False

    @property
    def out_image(self) -> tuple[int, int]:
        """Height and width of the result."""
        sizes = zip(self.image, self.kernel, self.stride, self.padding, strict=True)
        high, wide = ((size + 2 * pad - kernel) // stride + 1 for size, kernel, stride, pad in sizes)
        return high, wide

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """[O, I / groups, kh, kw]."""
        return (self.out_channels, self.channels // self.groups, *self.kernel)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return math.prod(self.weight_shape) * math.prod(self.out_image)

    @property
    def bytes(self) -> int:
        """Bytes that an int8 layer has to move at least: input, weights and result once, bias and scale."""
        edges = self.channels * math.prod(self.image) + self.out_channels * math.prod(self.out_image)
        return edges + math.prod(self.weight_shape) + 8 * self.out_channels

    @property
    def intensity(self) -> float:
        """Multiply-accumulates a byte."""
        return self.macs / self.bytes

    @cached_property
    def x(self) -> Tensor:
        """Codes of the input, int8 [1, H, W, C]."""
        generator = torch.Generator().manual_seed(1)
        shape = (1, *self.image, self.channels)
        return torch.randint(-128, 128, shape, dtype=torch.int8, generator=generator)

    def weights(self, seed: int) -> Weights:
        """Random weights whose results spread over the codes of the output."""
        generator = torch.Generator().manual_seed(seed)
        codes = torch.randint(-127, 128, self.weight_shape, dtype=torch.int8, generator=generator)
        k = math.prod(self.weight_shape[1:])
        # The codes' deviation is 73 on either side; 40 codes of deviation in the result.
        spread = 40 * OUT_SCALE / (73 * 73 * math.sqrt(k) * X_SCALE)
        scale = spread * (1 + torch.rand(self.out_channels, generator=generator))
        bias = torch.randn(self.out_channels, generator=generator)
        return Weights(seed, codes, scale, bias)

    def reference(self, weights: Weights) -> Tensor:
        """What a quantized engine should give, int8 NHWC, rounded from float64."""
        x = X_SCALE * (self.x.double().permute(0, 3, 1, 2) - X_ZERO_POINT)
        y = functional.conv2d(
            x,
            weights.dequantized().double(),
            weights.bias.double(),
            self.stride,
            self.padding,
            groups=self.groups,
        )
        codes = torch.round(y / OUT_SCALE) + OUT_ZERO_POINT
        return codes.clamp(-128, 127).to(torch.int8).permute(0, 2, 3, 1).contiguous()


@dataclass(frozen=True)
class Weights:
    """Of one instance of a case: int8 codes [O, I / groups, kh, kw], and float32 scale and bias [O]."""

    seed: int
    codes: Tensor
    scale: Tensor
    bias: Tensor

    def dequantized(self) -> Tensor:
        """float32."""
        return self.codes.float() * self.scale[:, None, None, None]


def read_cases(text: str) -> list[Case]:
    """The convolutions and linear layers of a list; other operators have no common form among the engines.

    Raises:
        ValueError: a line has another form, or a layer is of a kind that the suite does not build.
    """
    return [
        _conv2d(layer) if layer.op == "conv2d" else _linear(layer)
        for layer in parse(text)
        if layer.op in ("conv2d", "linear")
    ]


def _conv2d(layer: Layer) -> Case:
    values = layer.values
    if "dilation" in values or values.get("batch", "1") != "1" or len(_pair(values, "pad", 0)) != 2:
        raise ValueError(
            f"layers: {layer.name}: given {layer}; accepted are batch 1, no dilation, even padding"
        )
    return Case(
        layer.name,
        int(values["in"]),
        int(values["out"]),
        _pair(values, "image"),
        _pair(values, "kernel"),
        _pair(values, "stride", 1),
        _pair(values, "pad", 0),
        int(values.get("groups", 1)),
    )


def _linear(layer: Layer) -> Case:
    rows, channels, out = (int(layer.values[key]) for key in ("rows", "in", "out"))
    return Case(layer.name, channels, out, (rows, 1), is_linear=True)


def _pair(values: Mapping[str, str], key: str, default: int | None = None) -> tuple[int, int]:
    if key not in values and default is not None:
        return default, default
    sizes: Sequence[int] = [int(part) for part in values[key].split("x")]
    return tuple(sizes)  # type: ignore[return-value]

"""How much faster than dense (in float32: PyTorch) a sparse kernel is, by the share of blocks computed.

A `Curve` is of one instruction set, block and layer; a layer of a network is judged by the curve of the
measured layer that is most like it. Between two measured occupancies the time is interpolated: it is a
constant (rows are fetched, results written) and a share that grows with the blocks.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from mobilekernels.pruning.blocks import Block

# 1x1 convolution; any other convolution; linear on rows; linear or 1x1 convolution on one row.
KINDS = ("pointwise", "spatial", "linear", "row")
MEASURED, MODEL, INSTRUCTIONS = "measured", "model", "instructions"
SOURCES = (MEASURED, MODEL, INSTRUCTIONS)


@dataclass(frozen=True)
class LayerShape:
    """What a layer's speed depends on, beside its zeros.

    Attributes:
        kind: one of `KINDS`.
        pixels: rows of the matrix product: output height x width x batch, or rows of a linear layer.
        channels: input channels of a group.
        out_channels: of a group.
    """

    kind: str
    pixels: int
    channels: int
    out_channels: int

    @classmethod
    def of(cls, weight_shape: tuple[int, ...], groups: int, pixels: int) -> LayerShape:
        """Of a layer with a weight [out, in / groups, *kernel]."""
        out, channels, *kernel = weight_shape
        if math.prod(kernel) != 1:
            kind = "spatial"
        elif pixels == 1:
            kind = "row"
        else:
            kind = "pointwise" if kernel else "linear"
        return cls(kind, pixels, channels, out // groups)

    def distance(self, other: LayerShape) -> float:
        """How unlike two layers of a kind are: octaves between their sizes."""
        pairs = zip(self._sizes(), other._sizes(), strict=True)
        return sum(abs(math.log2(a / b)) for a, b in pairs)

    def _sizes(self) -> tuple[int, int, int]:
        return self.pixels, self.channels, self.out_channels

    def __str__(self) -> str:
        return f"{self.kind} {self.channels}->{self.out_channels}, {self.pixels} pixels"


@dataclass(frozen=True)
class Curve:
    """Speed-up over the dense kernel on one layer.

    Attributes:
        isa: of both kernels.
        occupancy: shares of blocks computed, rising, from above 0 to 1.
        speedup: dense time by sparse time, at each of them.
        source: "measured", or where the instruction set could not be timed what stands in for time: "model",
            or "instructions", counted ones.
        provenance: on which processor, or by which model and how.
    """

    isa: str
    block: Block
    layer: LayerShape
    occupancy: tuple[float, ...]
    speedup: tuple[float, ...]
    source: str
    provenance: str

    def at(self, occupancy: float) -> float:
        """The speed-up where that share of blocks is computed."""
        times = [1 / each for each in self.speedup]
        right = min(max(bisect_left(self.occupancy, occupancy), 1), len(times) - 1)
        x0, x1 = self.occupancy[right - 1 : right + 1]
        t0, t1 = times[right - 1 : right + 1]
        # Below the first point no layer is taken to gain more than measured.
        share = max((occupancy - x0) / (x1 - x0), 0.0)
        return 1 / (t0 + share * (t1 - t0))

    def break_even(self, gain: float = 1.0) -> float:
        """The occupancy from which on the speed-up is `gain` or less; 0 where it never is more."""
        if self.at(self.occupancy[0]) <= gain:
            return 0.0
        if self.at(1.0) > gain:
            return 1.0
        low, high = self.occupancy[0], 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(middle) > gain else (low, middle)
        return low


@dataclass(frozen=True)
class Curves:
    """Curves of one file.

    Attributes:
        curves: of int8 layers, over our dense kernel.
        origin: the file's name.
        float32: of layers in float32, over PyTorch's own operator.
    """

    curves: tuple[Curve, ...]
    origin: str
    float32: tuple[Curve, ...] = ()

    def of_float32(self) -> Curves:
        """The curves of layers in float32 alone."""
        return Curves(self.float32, self.origin)

    def isas(self) -> tuple[str, ...]:
        """Instruction sets that have curves, in the order of the file."""
        return tuple(dict.fromkeys(curve.isa for curve in self.curves))

    def find(self, isa: str, block: Block, layer: LayerShape) -> Curve | None:
        """The curve of the layer most like the one given; None where the instruction set has none."""
        fitting = [c for c in self.curves if (c.isa, c.block, c.layer.kind) == (isa, block, layer.kind)]
        return min(fitting, key=lambda curve: curve.layer.distance(layer), default=None)

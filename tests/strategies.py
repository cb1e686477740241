"""What hypothesis draws for the tests of the operators and kernels.

Hypothesis chooses sizes, zero points and the *kind* of data; the data itself comes from a seeded generator,
so an example stays small enough to shrink and to read.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.reference import Float32, Int8, Int32, conv_output_size

# Keyword arguments of an operator or of its reference.
Arguments = dict[str, Any]

MOST_CHANNELS = 70
CHANNELS = st.integers(1, MOST_CHANNELS)
BATCHES = st.sampled_from((1, 1, 2, 2, 3, 0))
ZERO_POINTS = st.sampled_from((-128, 127, 0)) | st.integers(-128, 127)
# Powers of two make exact ties (x.5), which must go to the even neighbour; decimals make ties that one
# rounding too many, or one too few, moves to the other side.
SCALES = st.sampled_from((1.0, 0.5, 0.25, 2.0, 0.1, 0.3, 0.7)) | st.floats(1e-3, 1e2)
GENERATORS = st.integers(0, 2**32 - 1).map(np.random.default_rng)

# Kinds of data; what finds most comes more than once.
CODE_KINDS = st.sampled_from(("random", "random", "random", "extremes", "lowest", "highest", "zero_point"))
WEIGHT_KINDS = st.sampled_from(("random", "small", "random", "small", "extremes", "lowest", "highest"))
SCALE_KINDS = st.sampled_from(("natural", "ties", "natural", "ties", "mixed", "tiny", "saturating"))


def codes(
    rng: np.random.Generator, kind: str, shape: tuple[int, ...], zero_point: int = 0, lowest: int = -128
) -> Int8:
    """int8 data of one of CODE_KINDS or WEIGHT_KINDS."""
    if kind == "small":
        return rng.integers(-1, 2, shape, np.int8)
    if kind == "random":
        return rng.integers(lowest, 128, shape, np.int8)
    if kind == "extremes":
        return np.where(rng.random(shape) < 0.5, lowest, 127).astype(np.int8)
    value = {"lowest": lowest, "highest": 127, "zero_point": zero_point}[kind]
    return np.full(shape, value, np.int8)


def channel_scales(rng: np.random.Generator, kind: str, channels: int, terms: int) -> Float32:
    """float32 [channels] > 0 for sums of `terms` products, of one of SCALE_KINDS."""
    # A sum of random products has a deviation of about 74 * 74 * sqrt(terms); this spreads it over the codes.
    natural = 40 / (74 * 74 * np.sqrt(terms)) * rng.uniform(0.3, 2.0, channels)
    choices: dict[str, npt.NDArray[np.floating[Any]]] = {
        "natural": natural,
        "ties": 2.0 ** -rng.integers(1, 7, channels),
        "tiny": 10.0 ** rng.uniform(-45, -8, channels),
        "saturating": 10.0 ** rng.uniform(0, 38, channels),
    }
    if kind == "mixed":
        result = np.choose(rng.integers(0, len(choices), channels), list(choices.values()))
    else:
        result = choices[kind]
    positive: Float32 = np.maximum(result, np.finfo(np.float32).smallest_subnormal).astype(np.float32)
    return positive


@st.composite
def out_ranges(draw: DrawFn) -> Arguments:
    """Zero point and clamp of an output: full, ReLU-like, narrow, one code only."""
    zero_point = draw(ZERO_POINTS)
    kind = draw(st.sampled_from(("full", "full", "full", "relu", "relu", "narrow", "one")))
    lo, hi = zero_point if kind == "relu" else -128, 127
    if kind in ("narrow", "one"):
        ends = draw(st.integers(-128, 127)), draw(st.integers(-128, 127))
        lo, hi = (min(ends), max(ends)) if kind == "narrow" else (ends[0], ends[0])
    return {"out_zero_point": zero_point, "out_min": lo, "out_max": hi}


# Output channels by k of a block-sparse weight's blocks.
Block = tuple[int, int]
Weight = TypeVar("Weight", Int8, Float32)


def zero_blocks(rng: np.random.Generator, weight: Weight, groups: int, block: Block, kept: float) -> Weight:
    """`weight` [O, I / groups, ...] with blocks of zeros, such as packing leaves out; about `kept` stay."""
    height, width = block
    flat = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
    k = flat.shape[2] * flat.shape[3]
    rows, columns = -(-flat.shape[1] // height), -(-k // width)
    keep = rng.random((groups, rows, columns)) < kept
    keep = keep.repeat(height, 1)[:, : flat.shape[1]].repeat(width, 2)[:, :, :k]
    # k runs over (kernel height, kernel width, input channels).
    mask = keep.reshape(*flat.shape[:2], flat.shape[3], flat.shape[2]).swapaxes(2, 3)
    return np.ascontiguousarray(np.where(mask, flat, 0).astype(weight.dtype).reshape(weight.shape))


@dataclass(frozen=True)
class Layer:
    """A convolution or linear: reference arguments. `geometry` is empty for linear.

    `block`: its weight is packed block sparse.
    """

    x: Int8
    weight: Int8
    bias: Int32 | None
    scale: Float32
    x_zero_point: int
    geometry: Arguments = field(default_factory=dict)
    block: Block | None = None

    @property
    def groups(self) -> int:
        return int(self.geometry.get("groups", 1))


def _parameters(
    draw: DrawFn, x_shape: tuple[int, ...], weight_shape: tuple[int, ...], groups: int = 1
) -> Arguments:
    """Data of a layer: activations, weights, bias, scales; some channels all zero, some weights block
    sparse.
    """
    rng = draw(GENERATORS)
    x_zero_point = draw(ZERO_POINTS)
    x = codes(rng, draw(CODE_KINDS), x_shape, x_zero_point)
    weight = codes(rng, draw(WEIGHT_KINDS), weight_shape, lowest=-127)
    if draw(st.integers(0, 3)) == 0:
        weight[rng.random(weight_shape[0]) < 0.3] = 0
    depthwise = groups > 1 and weight_shape[1] == 1
    block = None if depthwise else draw(st.sampled_from((None, None, (4, 4), (1, 4))))
    if block is not None:
        weight = zero_blocks(rng, weight, groups, block, draw(st.sampled_from((0.0, 0.1, 0.3, 1.0))))
    terms = int(np.prod(weight_shape[1:]))
    magnitude = draw(st.sampled_from((0, 100, 74 * 74 * terms, 2**30)))
    bias = rng.integers(-magnitude, magnitude, weight_shape[0], np.int32, endpoint=True)
    return {
        "x": x,
        "weight": weight,
        "bias": None if magnitude == 0 else bias,
        "scale": channel_scales(rng, draw(SCALE_KINDS), weight_shape[0], terms),
        "x_zero_point": x_zero_point,
        "block": block,
    }


def _input_size(
    draw: DrawFn, kernel: int, stride: int, pads: tuple[int, int], dilation: int, most: int
) -> int:
    """A size of the image that gives 1 to `most` outputs, with rows that no window reaches now and then."""
    outputs = draw(st.integers(1, most))
    unused = draw(st.integers(0, stride - 1))
    return max(1, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - sum(pads) + unused)


@st.composite
def layers(draw: DrawFn, most_channels: int = MOST_CHANNELS) -> Layer:
    """A convolution: pointwise, dense, grouped or depthwise."""
    channels = st.integers(1, most_channels)
    group_channels = st.integers(1, min(20, most_channels))
    kind = draw(st.sampled_from(("pointwise", "dense", "grouped", "depthwise")))
    sides = st.sampled_from((1, 3, 1, 3)) | st.integers(1, 7)
    kernel = (1, 1) if kind == "pointwise" else (draw(sides), draw(sides))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    pads = st.integers(0, 4)
    padding = (draw(pads), draw(pads), draw(pads), draw(pads))
    h = _input_size(draw, kernel[0], stride[0], padding[:2], dilation[0], 6)
    w = _input_size(draw, kernel[1], stride[1], padding[2:], dilation[1], 9)
    if kind == "depthwise":
        groups, group_in, group_out = draw(channels), 1, draw(st.integers(1, 3))
    elif kind == "grouped":
        groups, group_in, group_out = (
            draw(st.integers(2, 4)),
            draw(group_channels),
            draw(group_channels),
        )
    else:
        groups, group_in, group_out = 1, draw(channels), draw(channels)
    x_shape = (draw(BATCHES), h, w, groups * group_in)
    return Layer(
        **_parameters(draw, x_shape, (groups * group_out, group_in, *kernel), groups),
        geometry={"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
    )


@st.composite
def linears(draw: DrawFn, leading: tuple[int, ...] | None = None) -> Layer:
    """A linear layer over x [*leading, features]; `leading` of 0 to 3 dimensions is drawn where not given."""
    if leading is None:
        leading = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    features_in = draw(CHANNELS | st.integers(71, 300))
    return Layer(**_parameters(draw, (*leading, features_in), (draw(CHANNELS), features_in)))


def output_shape(layer: Layer) -> tuple[int, int, int, int]:
    """[N, OH, OW, O] of a convolution."""
    n, h, w, _ = layer.x.shape
    out_channels, _, kernel_h, kernel_w = layer.weight.shape
    top, bottom, left, right = layer.geometry["padding"]
    (stride_h, stride_w), (dilation_h, dilation_w) = layer.geometry["stride"], layer.geometry["dilation"]
    return (
        n,
        conv_output_size(h, kernel_h, stride_h, top + bottom, dilation_h),
        conv_output_size(w, kernel_w, stride_w, left + right, dilation_w),
        out_channels,
    )


@dataclass(frozen=True)
class PoolCase:
    """A pooling over x [N, H, W, C], with the arguments that all poolings share."""

    x: Int8
    x_zero_point: int
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    ceil_mode: bool


@st.composite
def pools(draw: DrawFn, dilated: bool, as_torch: bool = False) -> PoolCase:
    """Pads are less than the window; `as_torch`: at most half the kernel and equal at both ends."""
    kernel = (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3))) if dilated else (1, 1)
    vertical, horizontal = (
        st.integers(0, k // 2 if as_torch else step * (k - 1))
        for k, step in zip(kernel, dilation, strict=True)
    )
    top, left = draw(vertical), draw(horizontal)
    bottom, right = (top, left) if as_torch else (draw(vertical), draw(horizontal))
    padding = (top, bottom, left, right)
    h = _input_size(draw, kernel[0], stride[0], padding[:2], dilation[0], 5)
    w = _input_size(draw, kernel[1], stride[1], padding[2:], dilation[1], 7)
    zero_point = draw(ZERO_POINTS)
    kind = draw(CODE_KINDS)
    x = codes(draw(GENERATORS), kind, (draw(BATCHES), h, w, draw(CHANNELS)), zero_point)
    return PoolCase(x, zero_point, kernel, stride, padding, dilation, draw(st.booleans()))


@st.composite
def int8_arrays(draw: DrawFn, min_dims: int = 1, max_dims: int = 4) -> Int8:
    """Codes of any shape, sizes of 0 included."""
    leading = draw(st.lists(st.integers(0, 6), min_size=min_dims - 1, max_size=max_dims - 1))
    shape = (*leading, draw(CHANNELS))
    return codes(draw(GENERATORS), draw(CODE_KINDS), shape)


@st.composite
def broadcast_pairs(draw: DrawFn) -> tuple[Int8, Int8]:
    """Two operands of 0 to 6 dimensions that broadcast; all channel patterns of real networks among them."""
    full = draw(st.lists(st.integers(1, 5), max_size=5))
    if draw(st.booleans()):
        full.append(draw(CHANNELS))
    if full and draw(st.integers(0, 9)) == 0:
        full[0] = 0
    shapes = []
    for _ in range(2):
        kept = draw(st.integers(0, len(full))) if draw(st.booleans()) else len(full)
        shape = full[len(full) - kept :]
        ones = (
            draw(st.lists(st.booleans(), min_size=kept, max_size=kept))
            if draw(st.booleans())
            else [False] * kept
        )
        shapes.append(tuple(1 if one else size for size, one in zip(shape, ones, strict=True)))
    rng = draw(GENERATORS)
    return codes(rng, draw(CODE_KINDS), shapes[0]), codes(rng, draw(CODE_KINDS), shapes[1])


@st.composite
def floats_to_quantize(draw: DrawFn, shape: tuple[int, ...], scale: float) -> Float32:
    """Values around the codes' range, ties between two codes, and the values that break conversions."""
    rng = draw(GENERATORS)
    kind = draw(st.sampled_from(("spread", "ties", "special")))
    values: npt.NDArray[Any]
    if kind == "spread":
        values = rng.normal(0, 150 * scale, shape)
    elif kind == "ties":
        values = (rng.integers(-300, 300, shape) + 0.5) * scale
    else:
        special = (
            np.nan,
            -np.nan,
            np.inf,
            -np.inf,
            0.0,
            -0.0,
            3e38,
            -3e38,
            1e-45,
            2.0**31,
            -(2.0**31),
            1.5,
            -1.5,
        )
        values = rng.choice(np.array(special), shape)
    return values.astype(np.float32)

"""Packing: the numbers that go in, the bytes that come out, and everything that is refused."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import mobilekernels as mk
from mobilekernels import packing
from mobilekernels._lib import core
from tests.op_samples import int8
from tests.strategies import zero_blocks

NAN = float("nan")


def weights(*shape: int, seed: int = 0) -> Tensor:
    return int8(*shape, seed=seed).clamp(min=-127)


def round_half_even(value: Fraction) -> int:
    return round(value)  # Fraction's own rounding is half to even


@st.composite
def layers(draw: st.DrawFn) -> dict[str, Any]:
    groups = draw(st.integers(1, 4))
    per_group_in, per_group_out = draw(st.integers(1, 5)), draw(st.integers(1, 20))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    channels = groups * per_group_out
    scale = st.floats(1e-4, 0.5)
    return {
        "weight": weights(channels, per_group_in, *kernel, seed=draw(st.integers(0, 99))),
        "bias": draw(st.none() | st.lists(st.floats(-4, 4), min_size=channels, max_size=channels)),
        "weight_scale": draw(st.lists(scale, min_size=channels, max_size=channels)),
        "x_scale": draw(scale),
        "x_zero_point": draw(st.sampled_from([-128, -1, 0, 3, 127])),
        "out_scale": draw(scale),
        "groups": groups,
    }


def pack(layer: dict[str, Any]) -> Tensor:
    def tensor(values: Any) -> Any:
        return None if values is None else torch.tensor(values, dtype=torch.float64)

    changed = {"bias": tensor(layer["bias"]), "weight_scale": tensor(layer["weight_scale"])}
    return packing.pack_conv2d(**{**layer, **changed})


@settings(derandomize=True, deadline=None, max_examples=150)
@given(layers())
def test_round_trip(layer: dict[str, Any]) -> None:
    weight = layer["weight"]
    packed = pack(layer)
    assert packed.dtype == torch.int8
    assert packed.dim() == 1
    unpacked = packing.unpack(packed)
    assert torch.equal(unpacked.weight, weight)
    depthwise = weight.shape[1] == 1 and layer["groups"] > 1
    header = unpacked.header
    assert header == packing.read_header(packed)
    assert header.format == ("depthwise" if depthwise else "dense")
    assert (header.out_channels, header.in_channels) == (weight.shape[0], weight.shape[1] * layer["groups"])
    assert header.kernel_size == tuple(weight.shape[2:])
    assert header.groups == layer["groups"]
    assert header.input_zero_point == layer["x_zero_point"]
    assert header.nonzeros == int((weight != 0).sum())
    assert header.payload_bytes == packed.numel() - 64
    assert header.payload_checksum == core.checksum64(packed[64:].numpy().tobytes())

    x_scale, out_scale = layer["x_scale"], layer["out_scale"]
    bias = layer["bias"] or [0.0] * weight.shape[0]
    for channel, weight_scale in enumerate(layer["weight_scale"]):
        if not weight[channel].any():
            continue  # its own test is below
        # float(...) of Python is an IEEE double: the stated arithmetic, step by step.
        assert unpacked.scale[channel] == np.float32(x_scale * weight_scale / out_scale)
        assert unpacked.bias[channel] == round_half_even(Fraction(bias[channel] / (x_scale * weight_scale)))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(layers(), st.sampled_from(packing.BLOCKS), st.sampled_from([0.0, 0.2, 0.6, 1.0]), st.integers(0, 99))
def test_block_sparse_bytes_are_those_of_the_format(
    layer: dict[str, Any], block: tuple[int, int], kept: float, seed: int
) -> None:
    """csrc/pack/format.h, format 3, read again by hand."""
    groups = layer["groups"]
    if groups > 1 and layer["weight"].shape[1] == 1:
        return  # depthwise: refused, below
    weight = zero_blocks(np.random.default_rng(seed), layer["weight"].numpy(), groups, block, kept)
    layer = {**layer, "weight": torch.from_numpy(weight)}
    packed, dense = pack({**layer, "block": block}), pack(layer)
    header = packing.read_header(packed)
    assert (header.version, header.format, header.family) == (2, "block_sparse", "spgemm")
    assert (header.block_channels, header.block_k) == block
    assert header.nonzeros == np.count_nonzero(weight)
    unpacked = packing.unpack(packed)
    assert torch.equal(unpacked.weight, layer["weight"])
    assert torch.equal(unpacked.bias, packing.unpack(dense).bias)
    assert torch.equal(unpacked.scale, packing.unpack(dense).scale)

    data = packed.numpy().tobytes()
    out_channels, group_in, kernel_h, kernel_w = weight.shape
    each = out_channels // groups
    padded = -(-each // 16) * 16
    channels, quads = padded * groups, -(-kernel_h * kernel_w * group_in // 4)
    tables = 64 + 12 * channels
    assert data[64:tables] == dense.numpy().tobytes()[64:tables]
    rows = channels // block[0]
    begin = np.frombuffer(data, np.uint32, rows + 1, tables)
    quad = np.frombuffer(data, np.uint16, header.blocks, tables + 4 * (rows + 1))
    blocks = np.frombuffer(data, np.int8, -1, tables + 4 * (rows + 1) + (header.blocks + 1) // 2 * 4)
    assert (begin[0], begin[-1], blocks.size) == (0, header.blocks, header.blocks * 4 * block[0])
    blocks = blocks.reshape(header.blocks, *block)
    assert blocks.any(axis=(1, 2)).all()
    plain = np.zeros((groups, padded, quads * 4), np.int8)
    by_block = plain.reshape(rows, block[0], quads, 4)
    for row in range(rows):
        own = slice(begin[row], begin[row + 1])
        assert (np.diff(quad[own].astype(int)) > 0).all()
        by_block[row, :, quad[own]] = blocks[own]
    k = kernel_h * kernel_w * group_in
    expected = weight.transpose(0, 2, 3, 1).reshape(groups, each, k)
    assert (plain[:, :each, :k] == expected).all()
    assert not plain[:, each:].any()
    assert not plain[:, :, k:].any()


@pytest.mark.parametrize("block", packing.BLOCKS)
@pytest.mark.parametrize("groups", [1, 2])
def test_float_bytes_are_those_of_the_format(block: tuple[int, int], groups: int) -> None:
    """csrc/pack/format.h, format 4, read again by hand."""
    rng = np.random.default_rng(groups)
    out_channels, group_in, kernel_h, kernel_w = 2 * 19, 5, 3, 2
    weight = rng.normal(0, 1, (out_channels, group_in, kernel_h, kernel_w)).astype(np.float32)
    weight = zero_blocks(rng, weight, groups, block, 0.3)
    bias = rng.normal(0, 1, out_channels).astype(np.float32)
    packed = packing.pack_conv2d_f32(torch.from_numpy(weight), torch.from_numpy(bias), groups, block)
    header = packing.read_header(packed)
    assert (header.version, header.format, header.family) == (3, "block_sparse_f32", "spgemm_f32")
    assert (header.block_channels, header.block_k, header.input_zero_point) == (*block, 0)
    assert header.nonzeros == np.count_nonzero(weight)
    unpacked = packing.unpack_f32(packed)
    assert torch.equal(unpacked.weight, torch.from_numpy(weight))
    assert torch.equal(unpacked.bias, torch.from_numpy(bias))

    data = packed.numpy().tobytes()
    each = out_channels // groups
    padded, quads = -(-each // 16) * 16, -(-kernel_h * kernel_w * group_in // 4)
    channels = padded * groups
    biases = np.frombuffer(data, np.float32, channels, 64).reshape(groups, padded)
    assert (biases[:, :each] == bias.reshape(groups, each)).all()
    assert not biases[:, each:].any()
    index, rows = 64 + 4 * channels, channels // block[0]
    begin = np.frombuffer(data, np.uint32, rows + 1, index)
    quad = np.frombuffer(data, np.uint16, header.blocks, index + 4 * (rows + 1))
    blocks = np.frombuffer(data, np.float32, -1, index + 4 * (rows + 1) + (header.blocks + 1) // 2 * 4)
    blocks = blocks.reshape(header.blocks, 4, block[0])
    plain = np.zeros((groups, padded, quads * 4), np.float32)
    by_block = plain.reshape(rows, block[0], quads, 4)
    for row in range(rows):
        own = slice(begin[row], begin[row + 1])
        by_block[row, :, quad[own]] = blocks[own].swapaxes(1, 2)
    k = kernel_h * kernel_w * group_in
    assert (plain[:, :each, :k] == weight.transpose(0, 2, 3, 1).reshape(groups, each, k)).all()


def test_bad_float_weights_are_named() -> None:
    weight, bias = torch.ones(8, 4, 1, 1), torch.zeros(8)
    infinite = weight.clone()
    infinite[5, 2] = float("inf")
    for arguments, error, message in (
        ((weight.double(), bias), TypeError, "weight: given torch.float64"),
        ((infinite, bias), ValueError, "weight: given inf in output channel 5, accepted finite values"),
        ((weight, bias[:3]), ValueError, "bias: given shape"),
        ((weight, bias, 3), ValueError, "groups: given 3"),
        ((weight, bias, 1, (2, 4)), ValueError, r"block: given \(2, 4\)"),
        ((weight, bias, 1, None), ValueError, "block: given None"),
        ((weight[:, :1], bias, 8), ValueError, r"block: given \(4, 4\) for a depthwise weight"),
        ((weight[:0], bias[:0]), ValueError, "weight: given shape"),
        ((weight[0], bias), ValueError, "weight: given shape"),
    ):
        with pytest.raises(error, match=f"pack_conv2d_f32: {message}"):
            packing.pack_conv2d_f32(*arguments)
    packed = packing.pack_linear_f32(weight[:, :, 0, 0], None)
    with pytest.raises(ValueError, match="given float32 weights, accepted int8"):
        packing.unpack(packed)
    with pytest.raises(ValueError, match="given int8 weights, accepted float32"):
        packing.unpack_f32(packing.pack_conv2d(weights(16, 4, 1, 1), None, 0.01, 0.02, 3, 0.05))


def test_block_sparse_bytes_are_few() -> None:
    """At most 1.1 x (what is kept + 2 bytes a block) beside the tables."""
    weight = weights(256, 1024, 1, 1)
    for block in packing.BLOCKS:
        sparse = zero_blocks(np.random.default_rng(0), weight.numpy(), 1, block, 0.2)
        packed = packing.pack_conv2d(torch.from_numpy(sparse), None, 0.01, 0.02, 3, 0.05, block=block)
        blocks = packing.read_header(packed).blocks
        assert packed.numel() - 64 - 12 * 256 <= 1.1 * blocks * (4 * block[0] + 2)


def test_depthwise_and_too_many_quads_refuse_a_block() -> None:
    depthwise = weights(16, 1, 3, 3)
    with pytest.raises(
        ValueError, match=r"pack_conv2d: block: given \(4, 4\) for a depthwise weight, accepted None"
    ):
        packing.pack_conv2d(depthwise, None, 0.01, 0.02, 3, 0.05, groups=16, block=(4, 4))
    long = torch.ones(1, 4 * 65536, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"pack_linear: block: given \(1, 4\) for a weight of 65536 quads"):
        packing.pack_linear(long, None, 0.01, 0.02, 3, 0.05, block=(1, 4))
    packing.pack_linear(long[:, 4:], None, 0.01, 0.02, 3, 0.05, block=(1, 4))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(layers())
def test_bytes_are_those_of_the_format(layer: dict[str, Any]) -> None:
    """csrc/pack/format.h, read again by hand."""
    weight = layer["weight"].numpy()
    out_channels, group_in, kernel_h, kernel_w = weight.shape
    groups = layer["groups"]
    packed = pack(layer)
    data = packed.numpy().tobytes()
    depthwise = group_in == 1 and groups > 1
    magic, version, form, out, in_, kh, kw, g, block_channels, block_k, zero_point = struct.unpack_from(
        "<4sHHIIHHIHHi", data
    )
    assert (magic, version, form) == (b"MKPW", 1, 2 if depthwise else 1)
    assert (out, in_, kh, kw, g) == (out_channels, group_in * groups, kernel_h, kernel_w, groups)
    assert (block_channels, block_k, zero_point) == (16, 1 if depthwise else 4, layer["x_zero_point"])
    nonzeros, payload_bytes, checksum, blocks, header_checksum = struct.unpack_from("<QQQII", data, 32)
    assert (nonzeros, payload_bytes, blocks) == (np.count_nonzero(weight), len(data) - 64, 0)
    assert checksum == core.checksum64(data[64:])
    assert header_checksum == core.checksum64(data[:60]) & 0xFFFFFFFF

    parts = 1 if depthwise else groups
    part_out = out_channels // parts
    padded = -(-part_out // 16) * 16
    channels = padded * parts
    slots = np.array([channel // part_out * padded + channel % part_out for channel in range(out_channels)])
    bias = np.frombuffer(data, np.int32, channels, 64)
    sums = np.frombuffer(data, np.int32, channels, 64 + 4 * channels)
    scale = np.frombuffer(data, np.float32, channels, 64 + 8 * channels)
    payload = np.frombuffer(data, np.int8, -1, 64 + 12 * channels)
    unpacked = packing.unpack(packed)
    expected_sums = weight.reshape(out_channels, -1).astype(np.int64).sum(1)
    assert (sums[slots] == expected_sums).all()
    assert (bias[slots] == unpacked.bias.numpy() - zero_point * expected_sums).all()
    assert (scale[slots] == unpacked.scale.numpy()).all()
    unused = np.setdiff1d(np.arange(channels), slots)
    assert not bias[unused].any()
    assert not sums[unused].any()

    if depthwise:
        panels = payload.reshape(channels // 16, kernel_h * kernel_w, 16)
        plain = panels.transpose(0, 2, 1).reshape(channels, -1)
        expected = weight.reshape(out_channels, -1)
    else:
        k = kernel_h * kernel_w * group_in
        panels = payload.reshape(channels // 16, -(-k // 4), 16, 4)
        plain = panels.transpose(0, 2, 1, 3).reshape(channels, -1)
        assert not plain[:, k:].any()
        plain = plain[:, :k]
        expected = weight.transpose(0, 2, 3, 1).reshape(out_channels, -1)
    assert (plain[slots] == expected).all()
    assert not plain[unused].any()


def test_linear_is_a_one_by_one_convolution() -> None:
    weight, bias = weights(20, 7), torch.linspace(-1, 1, 20)
    linear = packing.pack_linear(weight, bias, 0.01, 0.02, 3, 0.05)
    assert torch.equal(linear, packing.pack_conv2d(weight[:, :, None, None], bias, 0.01, 0.02, 3, 0.05))


def test_packing_does_not_mind_strides_gradients_or_dtypes_of_the_floats() -> None:
    weight, scale, bias = weights(20, 6, 3, 3), torch.rand(20) + 0.5, torch.randn(20)
    expected = packing.pack_conv2d(weight, bias, scale, 0.02, 3, 0.05)
    other = weight.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    assert not other.is_contiguous()
    parameter = torch.nn.Parameter(bias)
    assert torch.equal(packing.pack_conv2d(other, parameter, scale.double(), 0.02, 3, 0.05), expected)
    one = packing.pack_conv2d(weight, bias, torch.tensor(0.25), 0.02, 3, 0.05)
    assert torch.equal(packing.pack_conv2d(weight, bias, 0.25, 0.02, 3, 0.05), one)
    assert torch.equal(
        packing.pack_conv2d(weight, bias, torch.full((20,), 0.25).bfloat16(), 0.02, 3, 0.05), one
    )


def test_bias_halves_round_to_even() -> None:
    bias = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5])
    packed = packing.pack_linear(torch.ones(6, 1, dtype=torch.int8), bias, 1.0, 1.0, 0, 1.0)
    assert packing.unpack(packed).bias.tolist() == [0, 2, 2, 0, -2, -2]


@pytest.mark.parametrize("weight_scale", [1e-300, 1e-12, 2.0**-23 / 127, 0.01, 1.0, 1e6, 1e300])
@pytest.mark.parametrize("x_scale", [1e-4, 0.02, 3.0])
def test_all_zero_channels_give_their_bias_exactly(weight_scale: float, x_scale: float) -> None:
    """Quantizers clamp the scale of an all-zero channel to something tiny or to 1: either spoils the bias."""
    bias = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.1234567, -7.654321, 3e4, -1e-6, 1e-30])
    weight = torch.zeros(9, 4, 1, 1, dtype=torch.int8)
    packed = packing.pack_conv2d(weight, bias, weight_scale, x_scale, -128, 1.0)
    y = mk.ops.linear_float(int8(1, 4), packed, 9, -128)
    assert torch.equal(y.flatten(), bias)

    # Requantized, too: what rounding float32(bias / out_scale) gives.
    out_scale = 0.05
    packed = packing.pack_conv2d(weight, bias, weight_scale, x_scale, -128, out_scale)
    y = mk.ops.linear(int8(1, 4), packed, 9, -128, 3)
    quotient = (bias.double() / out_scale).float()
    assert torch.equal(y.flatten(), (quotient.clamp(-131, 124).round() + 3).to(torch.int8))


def test_all_zero_channels_leave_the_others_alone() -> None:
    weight, bias = weights(20, 6, 3, 3), torch.randn(20)
    scale = torch.rand(20).double() * 0.01 + 0.001
    alone = packing.unpack(packing.pack_conv2d(weight, bias, scale, 0.02, 3, 0.05))
    weight[[0, 7, 19]] = 0
    scale[[0, 7, 19]] = 1e-12
    mixed = packing.unpack(packing.pack_conv2d(weight, bias, scale, 0.02, 3, 0.05))
    kept = [channel for channel in range(20) if channel not in (0, 7, 19)]
    assert torch.equal(mixed.bias[kept], alone.bias[kept])
    assert torch.equal(mixed.scale[kept], alone.scale[kept])
    assert (mixed.scale > 0).all()
    assert mixed.scale.isfinite().all()


def with_code(value: int) -> Tensor:
    weight = weights(20, 6, 3, 3)
    weight[4, 2, 1, 1] = value
    return weight


GOOD: dict[str, Any] = {
    "weight": weights(20, 6, 3, 3),
    "bias": torch.ones(20),
    "weight_scale": torch.full((20,), 0.01),
    "x_scale": 0.02,
    "x_zero_point": 3,
    "out_scale": 0.05,
    "groups": 1,
}


def replaced(tensor: Tensor, value: float) -> Tensor:
    tensor = tensor.clone()
    tensor[5] = value
    return tensor


BAD = [
    ("weight", with_code(-128), ValueError, "-128 in output channel 4"),
    ("weight", GOOD["weight"].float(), TypeError, "torch.float32"),
    ("weight", GOOD["weight"].to(torch.uint8), TypeError, "torch.uint8"),
    ("weight", GOOD["weight"].numpy(), TypeError, "ndarray"),
    ("weight", GOOD["weight"][0], ValueError, "[6, 3, 3]"),
    ("weight", GOOD["weight"][:, :0], ValueError, "[20, 0, 3, 3]"),
    ("weight", GOOD["weight"][:0], ValueError, "[0, 6, 3, 3]"),
    ("weight", GOOD["weight"].to("meta"), NotImplementedError, "meta"),
    ("bias", torch.ones(19), ValueError, "[19]"),
    ("bias", torch.ones(20, 1), ValueError, "[20, 1]"),
    ("bias", torch.ones(20, dtype=torch.int32), TypeError, "torch.int32"),
    ("bias", replaced(torch.ones(20), NAN), ValueError, "nan in output channel 5"),
    ("bias", replaced(torch.ones(20), -float("inf")), ValueError, "-inf in output channel 5"),
    ("bias", replaced(torch.ones(20), 1e9), ValueError, "output channel 5"),
    # Fits int32 itself, but not with what the weights may add.
    ("bias", replaced(torch.ones(20), (2**31 - 2000) * 0.0002), ValueError, "output channel 5"),
    ("bias", [1.0] * 20, TypeError, "list"),
    ("weight_scale", 0.0, ValueError, "0.0"),
    ("weight_scale", -1.0, ValueError, "-1.0"),
    ("weight_scale", NAN, ValueError, "nan"),
    ("weight_scale", "0.1", TypeError, "str"),
    ("weight_scale", True, TypeError, "bool"),
    ("weight_scale", torch.full((19,), 0.1), ValueError, "[19]"),
    ("weight_scale", torch.full((20, 1), 0.1), ValueError, "[20, 1]"),
    ("weight_scale", torch.ones(20, dtype=torch.int32), TypeError, "torch.int32"),
    ("weight_scale", replaced(GOOD["weight_scale"], NAN), ValueError, "nan in output channel 5"),
    ("weight_scale", replaced(GOOD["weight_scale"], 0.0), ValueError, "0.0 in output channel 5"),
    ("weight_scale", replaced(GOOD["weight_scale"], -0.1), ValueError, "in output channel 5"),
    ("weight_scale", replaced(GOOD["weight_scale"], float("inf")), ValueError, "inf in output channel 5"),
    ("weight_scale", 1e-45, ValueError, "output channel 0"),
    ("weight_scale", 1e45, ValueError, "output channel 0"),
    ("x_scale", 0.0, ValueError, "0.0"),
    ("x_scale", -0.5, ValueError, "-0.5"),
    ("x_scale", NAN, ValueError, "nan"),
    ("x_scale", torch.tensor(0.1), TypeError, "Tensor"),
    ("out_scale", 0, ValueError, "0"),
    ("out_scale", float("inf"), ValueError, "inf"),
    ("out_scale", None, TypeError, "NoneType"),
    ("x_zero_point", 128, ValueError, "128"),
    ("x_zero_point", -129, ValueError, "-129"),
    ("x_zero_point", 3.0, TypeError, "float"),
    ("groups", 0, ValueError, "0"),
    ("groups", -2, ValueError, "-2"),
    ("groups", 3, ValueError, "20 output channels"),
    ("groups", 2.0, TypeError, "float"),
    ("block", (2, 4), ValueError, "(4, 4), (1, 4), or None"),
    ("block", (4, 1), ValueError, "(4, 1)"),
    ("block", 4, ValueError, "4"),
    ("block", "4x4", ValueError, "'4x4'"),
]


@pytest.mark.parametrize(("argument", "value", "error", "says"), BAD)
def test_bad_argument(argument: str, value: Any, error: type[Exception], says: str) -> None:
    packing.pack_conv2d(**GOOD)
    with pytest.raises(error) as caught:
        packing.pack_conv2d(**{**GOOD, argument: value})
    assert type(caught.value) is error
    message = str(caught.value)
    # The core names itself where the sum of bias and weights is what does not fit.
    assert message.startswith((f"pack_conv2d: {argument}: given ", f"pack_weights: {argument}: given "))
    assert ", accepted " in message
    assert says in message


def test_linear_names_itself() -> None:
    with pytest.raises(
        ValueError, match=r"pack_linear: weight: given shape \[20, 6, 3, 3\], accepted \[O, I\]"
    ):
        packing.pack_linear(GOOD["weight"], None, 0.1, 0.1, 0, 0.1)


@pytest.mark.parametrize("read", [packing.read_header, packing.unpack])
def test_readers_refuse_what_is_no_packed_weight(read: Any) -> None:
    packed = packing.pack_conv2d(**GOOD)
    with pytest.raises(TypeError, match="packed: given list"):
        read(packed.tolist())
    with pytest.raises(TypeError, match=r"packed: given torch\.float32"):
        read(packed.float())
    with pytest.raises(ValueError, match=r"packed: given shape \[1, "):
        read(packed[None])
    with pytest.raises(mk.FormatError, match="magic"):
        read(int8(200))
    assert issubclass(mk.FormatError, ValueError)


@pytest.mark.parametrize("block", [None, *packing.BLOCKS])
def test_weights_of_dynamic_layers_have_their_own_scales_and_no_bias(block: packing.Block | None) -> None:
    weight, scale = weights(20, 37, 1, 1)[:, :, 0, 0], torch.linspace(0.001, 0.02, 20)
    unpacked = packing.unpack(packing.pack_linear_dynamic(weight, scale, block))
    assert torch.equal(unpacked.weight[:, :, 0, 0], weight)
    assert torch.equal(unpacked.scale, scale)
    assert not unpacked.bias.any()
    assert unpacked.header.input_zero_point == 0


def test_pack_linear_dynamic_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"pack_linear_dynamic: weight: given shape \[20, 6, 3, 3\]"):
        packing.pack_linear_dynamic(weights(20, 6, 3, 3), 0.1)
    with pytest.raises(ValueError, match="pack_linear_dynamic: weight_scale: given nan"):
        packing.pack_linear_dynamic(weights(20, 6, 1, 1)[:, :, 0, 0], float("nan"))
    with pytest.raises(ValueError, match="pack_linear_dynamic: block: given"):
        packing.pack_linear_dynamic(weights(20, 6, 1, 1)[:, :, 0, 0], 0.1, block=(2, 2))

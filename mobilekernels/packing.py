"""Packed weights: the tensors that `conv2d` and `linear` take as ``packed``, as csrc/pack/format.h
states it.

Those of `conv2d_f32` and `linear_f32` hold float32 weights and biases as they are given.

Packing turns a float bias into int32 and the scales of input, weight and output into one float32 factor a
channel:

    scale[c] = float32(x_scale * weight_scale[c] / out_scale)              in double until the last step
    bias[c]  = round_half_to_even(bias[c] / (x_scale * weight_scale[c]))   in double

A channel whose weights are all zero only adds its bias, so its weight scale is free: its int32 bias becomes
a power of two whose product with scale[c] is float32(bias[c] / out_scale) exactly. The given scale, which
quantizers clamp to something tiny, would overflow int32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mobilekernels._lib import core
from mobilekernels.errors import bad_argument

# The int32 bias of an all-zero channel: a power of two, so that float32(bias) * scale rounds once, in
# `scale`.
_ZERO_CHANNEL_BIAS = 2.0**22
_FLOAT32 = np.finfo(np.float32)
_INT32_MAX = 2**31 - 1

# Output channels by k of a block of zeros that block-sparse weights leave out.
Block = tuple[int, int]
BLOCKS: tuple[Block, ...] = ((4, 4), (1, 4))
_MAX_SPARSE_QUADS = 65535


@dataclass(frozen=True)
class PackedHeader:
    """The header of a packed weight.

    Attributes:
        block_channels, block_k: channels by k of a panel, or of a block of block-sparse weights.
        blocks: how many blocks block-sparse weights have; 0 for the other formats.
    """

    version: int
    format: Literal["dense", "depthwise", "block_sparse", "block_sparse_f32"]
    out_channels: int
    in_channels: int
    kernel_size: tuple[int, int]
    groups: int
    block_channels: int
    block_k: int
    input_zero_point: int
    nonzeros: int
    blocks: int
    payload_bytes: int
    payload_checksum: int

    @property
    def family(self) -> str:
        """The kernel family that runs this weight, as `mobilekernels.kernels` names it."""
        return {
            "dense": "gemm",
            "depthwise": "depthwise",
            "block_sparse": "spgemm",
            "block_sparse_f32": "spgemm_f32",
        }[self.format]


@dataclass(frozen=True)
class Unpacked:
    """A packed weight taken apart: out[c] = (sum(weight[c] * (x - x_zero_point)) + bias[c]) * scale[c]."""

    header: PackedHeader
    weight: Tensor  # int8 [O, I / groups, kh, kw]
    bias: Tensor  # int32 [O], without the zero point that packing folds in
    scale: Tensor  # float32 [O]


@dataclass(frozen=True)
class UnpackedF32:
    """A packed weight of float32 taken apart."""

    header: PackedHeader
    weight: Tensor  # float32 [O, I / groups, kh, kw]
    bias: Tensor  # float32 [O]


def _check_tensor(function: str, argument: str, tensor: Any, rank: int, layout: str) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise bad_argument(TypeError, function, argument, type(tensor).__name__, "torch.Tensor")
    if tensor.device.type != "cpu":
        raise bad_argument(
            NotImplementedError, function, argument, f"a tensor on {tensor.device}", "a tensor on cpu"
        )
    if tensor.dim() != rank:
        raise bad_argument(ValueError, function, argument, f"shape {list(tensor.shape)}", layout)
    return tensor.detach()


def _check_scale(function: str, argument: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_argument(TypeError, function, argument, type(value).__name__, "float")
    if not (math.isfinite(value) and value > 0):
        raise bad_argument(ValueError, function, argument, value, "finite and > 0")
    return float(value)


def _check_int(function: str, argument: str, value: Any, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_argument(TypeError, function, argument, type(value).__name__, "int")
    if value < least or (most is not None and value > most):
        raise bad_argument(
            ValueError,
            function,
            argument,
            value,
            f"at least {least}" if most is None else f"{least} to {most}",
        )
    return value


def _weight_scales(function: str, value: Any, channels: int) -> npt.NDArray[np.float64]:
    if isinstance(value, Tensor):
        if not value.dtype.is_floating_point:
            raise bad_argument(TypeError, function, "weight_scale", value.dtype, "a floating-point dtype")
        scales = _check_tensor(
            function, "weight_scale", value.reshape(1) if value.dim() == 0 else value, 1, f"[{channels}]"
        )
        if scales.shape[0] not in (1, channels):
            raise bad_argument(
                ValueError, function, "weight_scale", f"shape {list(value.shape)}", f"[{channels}]"
            )
        array = np.broadcast_to(scales.double().numpy(), (channels,))
    else:
        array = np.full(channels, _check_scale(function, "weight_scale", value))
    bad = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
    if bad.size:
        given = f"{array[bad[0]]} in output channel {bad[0]}"
        raise bad_argument(ValueError, function, "weight_scale", given, "finite and > 0")
    return array


def _biases(function: str, bias: Any, channels: int) -> npt.NDArray[np.float64]:
    if bias is None:
        return np.zeros(channels)
    tensor = _check_tensor(function, "bias", bias, 1, f"[{channels}]")
    if not tensor.dtype.is_floating_point:
        raise bad_argument(TypeError, function, "bias", tensor.dtype, "a floating-point dtype")
    if tensor.shape[0] != channels:
        raise bad_argument(ValueError, function, "bias", f"shape {list(tensor.shape)}", f"[{channels}]")
    array: npt.NDArray[np.float64] = tensor.double().numpy()
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise bad_argument(
            ValueError, function, "bias", f"{array[bad[0]]} in output channel {bad[0]}", "finite values"
        )
    return array


def _check_float32(function: str, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """A subnormal or infinite factor would be worth nothing, and some CPUs flush subnormals to zero."""
    bad = np.flatnonzero((scale < _FLOAT32.tiny) | (scale > _FLOAT32.max))
    if bad.size:
        raise bad_argument(
            ValueError,
            function,
            "weight_scale",
            f"x_scale * weight_scale / out_scale = {scale[bad[0]]} in output channel {bad[0]}",
            f"{_FLOAT32.tiny} to {_FLOAT32.max}",
        )
    return scale.astype(np.float32)


def _requantization(
    function: str,
    weight: npt.NDArray[np.int8],
    bias: npt.NDArray[np.float64],
    weight_scale: npt.NDArray[np.float64],
    x_scale: float,
    out_scale: float,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """int32 bias and float32 scale of each channel, as the module's docstring states them."""
    accumulator_scale = x_scale * weight_scale
    scale = accumulator_scale / out_scale
    zero = ~weight.reshape(weight.shape[0], -1).any(axis=1)
    # An accumulator scale so small that it is 0 in double is refused below, by its float32 factor.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bias_int = np.rint(np.where(bias == 0, 0.0, bias / accumulator_scale))

    free_scale = np.abs(bias[zero]) / out_scale / _ZERO_CHANNEL_BIAS
    # A bias that small is nothing beside one step of the output.
    nothing = free_scale < _FLOAT32.tiny
    bias_int[zero] = np.where(nothing, 0.0, np.copysign(_ZERO_CHANNEL_BIAS, bias[zero]))
    scale[zero] = np.where(nothing, 1.0, free_scale)

    factors = _check_float32(function, scale)
    bad = np.flatnonzero(np.abs(bias_int) > _INT32_MAX)
    if bad.size:
        given = f"{bias[bad[0]]} in output channel {bad[0]}, which is {bias_int[bad[0]]:.6g} steps"
        accepted = f"at most {_INT32_MAX} steps of x_scale * weight_scale"
        raise bad_argument(ValueError, function, "bias", given, accepted)
    return bias_int.astype(np.int32), factors


def _pack(
    function: str,
    weight: Tensor,
    bias: Any,
    weight_scale: Any,
    x_scale: Any,
    x_zero_point: Any,
    out_scale: Any,
    groups: int,
    block: Block | None,
) -> Tensor:
    """``weight`` is int8 [O, I / groups, kh, kw] and has been checked for that."""
    channels = weight.shape[0]
    if weight.numel() == 0:
        raise bad_argument(
            ValueError, function, "weight", f"shape {list(weight.shape)}", "a weight that is not empty"
        )
    weights = weight.contiguous().numpy()
    if weights.min() == -128:
        channel = int(np.argwhere(weights == -128)[0][0])
        raise bad_argument(ValueError, function, "weight", f"-128 in output channel {channel}", "-127 to 127")
    if channels % groups != 0:
        raise bad_argument(ValueError, function, "groups", groups, f"a divisor of {channels} output channels")
    bias_int, scale = _requantization(
        function,
        weights,
        _biases(function, bias, channels),
        _weight_scales(function, weight_scale, channels),
        _check_scale(function, "x_scale", x_scale),
        _check_scale(function, "out_scale", out_scale),
    )
    zero_point = _check_int(function, "x_zero_point", x_zero_point, -128, 127)
    if block is not None:
        _check_block(function, block, weight, groups)
    return torch.from_numpy(core.pack_weights(weights, bias_int, scale, groups, zero_point, block))


def _check_block(function: str, block: Any, weight: Tensor, groups: int) -> None:
    if block not in BLOCKS:
        accepted = f"one of {', '.join(map(str, BLOCKS))}, or None"
        raise bad_argument(ValueError, function, "block", repr(block), accepted)
    if groups > 1 and weight.shape[1] == 1:
        raise bad_argument(ValueError, function, "block", f"{block} for a depthwise weight", "None")
    quads = -(-weight[0].numel() // 4)
    if quads > _MAX_SPARSE_QUADS:
        given = f"{block} for a weight of {quads} quads of k (kernel height * width * channels / 4)"
        raise bad_argument(
            ValueError, function, "block", given, f"None, or at most {_MAX_SPARSE_QUADS} quads"
        )


def _check_weight(
    function: str, weight: Any, rank: int, layout: str, dtype: torch.dtype = torch.int8
) -> Tensor:
    tensor = _check_tensor(function, "weight", weight, rank, layout)
    if tensor.dtype != dtype:
        raise bad_argument(TypeError, function, "weight", tensor.dtype, f"{dtype}")
    return tensor


def pack_conv2d(
    weight: Tensor,
    bias: Tensor | None,
    weight_scale: Tensor | float,
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    groups: int = 1,
    block: Block | None = None,
) -> Tensor:
    """Packs the weight of a convolution: int8, 1-D, an ordinary buffer.

    ``weight`` is int8 [O, I / groups, kh, kw] in [-127, 127], ``bias`` floating point [O], ``weight_scale``
    floating point [O] or one for all. `conv2d_float` takes weights packed with ``out_scale=1.0``.
    ``block`` (4, 4) or (1, 4), output channels by k (kernel height, kernel width, input channels flattened),
    leaves out blocks of zeros, and the same operators then skip them; a depthwise weight has no such form.

    Raises ValueError for -128, NaN, a scale that is not finite and positive, a bias that leaves int32,
    shapes or groups that do not fit, a block that there is not; TypeError for another type or dtype;
    NotImplementedError off the CPU.
    """
    function = "pack_conv2d"
    tensor = _check_weight(function, weight, 4, "[O, I / groups, kh, kw]")
    divisor = _check_int(function, "groups", groups, 1)
    return _pack(function, tensor, bias, weight_scale, x_scale, x_zero_point, out_scale, divisor, block)


def pack_linear(
    weight: Tensor,
    bias: Tensor | None,
    weight_scale: Tensor | float,
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    block: Block | None = None,
) -> Tensor:
    """Packs the weight of a linear layer: ``weight`` is int8 [O, I]; the rest as `pack_conv2d`."""
    function = "pack_linear"
    tensor = _check_weight(function, weight, 2, "[O, I]")[:, :, None, None]
    return _pack(function, tensor, bias, weight_scale, x_scale, x_zero_point, out_scale, 1, block)


def pack_linear_dynamic(weight: Tensor, weight_scale: Tensor | float, block: Block | None = None) -> Tensor:
    """Packs the weight of `linear_dynamic`, which adds the bias in float: the rest as `pack_linear`."""
    function = "pack_linear_dynamic"
    tensor = _check_weight(function, weight, 2, "[O, I]")[:, :, None, None]
    return _pack(function, tensor, None, weight_scale, 1.0, 0, 1.0, 1, block)


def _pack_f32(function: str, weight: Tensor, bias: Any, groups: int, block: Any) -> Tensor:
    """``weight`` is float32 [O, I / groups, kh, kw] and has been checked for that."""
    channels = weight.shape[0]
    if weight.numel() == 0:
        raise bad_argument(
            ValueError, function, "weight", f"shape {list(weight.shape)}", "a weight that is not empty"
        )
    if channels % groups != 0:
        raise bad_argument(ValueError, function, "groups", groups, f"a divisor of {channels} output channels")
    if block not in BLOCKS:
        accepted = f"one of {', '.join(map(str, BLOCKS))}"
        raise bad_argument(ValueError, function, "block", repr(block), accepted)
    _check_block(function, block, weight, groups)
    bad = torch.nonzero(~torch.isfinite(weight.flatten(1)))
    if bad.numel():
        channel, k = bad[0].tolist()
        given = f"{weight.flatten(1)[channel, k].item()} in output channel {channel}"
        raise bad_argument(ValueError, function, "weight", given, "finite values")
    biases = _biases(function, bias, channels).astype(np.float32)
    return torch.from_numpy(core.pack_weights_f32(weight.contiguous().numpy(), biases, groups, block))


def pack_conv2d_f32(weight: Tensor, bias: Tensor | None, groups: int = 1, block: Block = (4, 4)) -> Tensor:
    """Packs the weight of `conv2d_f32`: int8, 1-D, an ordinary buffer.

    ``weight`` is float32 [O, I / groups, kh, kw], ``bias`` floating point [O]. Blocks of zeros, ``block``
    (4, 4) or (1, 4), output channels by k (kernel height, kernel width, input channels flattened), are left
    out.

    Raises ValueError for a depthwise weight, one that is not finite, shapes or groups that do not fit, a
    block that there is not; TypeError for another type or dtype; NotImplementedError off the CPU.
    """
    function = "pack_conv2d_f32"
    tensor = _check_weight(function, weight, 4, "[O, I / groups, kh, kw]", torch.float32)
    return _pack_f32(function, tensor, bias, _check_int(function, "groups", groups, 1), block)


def pack_linear_f32(weight: Tensor, bias: Tensor | None, block: Block = (4, 4)) -> Tensor:
    """Packs the weight of `linear_f32`: ``weight`` is float32 [O, I]; the rest as `pack_conv2d_f32`."""
    function = "pack_linear_f32"
    tensor = _check_weight(function, weight, 2, "[O, I]", torch.float32)[:, :, None, None]
    return _pack_f32(function, tensor, bias, 1, block)


def _packed_array(function: str, packed: Any) -> npt.NDArray[np.int8]:
    tensor = _check_tensor(function, "packed", packed, 1, "[bytes]")
    if tensor.dtype != torch.int8:
        raise bad_argument(TypeError, function, "packed", tensor.dtype, "torch.int8")
    array: npt.NDArray[np.int8] = tensor.contiguous().numpy()
    return array


def read_header(packed: Tensor) -> PackedHeader:
    """The header of a packed weight that has been checked; FormatError names the field that is wrong."""
    fields: dict[str, Any] = core.read_header(_packed_array("read_header", packed))
    return PackedHeader(**fields)


def unpack(packed: Tensor) -> Unpacked:
    """A packed weight of int8 taken apart; FormatError where it is damaged, ValueError for one of float32."""
    weight, folded, sums, scale = core.unpack_weights(_packed_array("unpack", packed))
    header = read_header(packed)
    bias = folded + np.int32(header.input_zero_point) * sums
    return Unpacked(header, torch.from_numpy(weight), torch.from_numpy(bias), torch.from_numpy(scale))


def unpack_f32(packed: Tensor) -> UnpackedF32:
    """A packed weight of float32 taken apart; FormatError where it is damaged, ValueError for one of int8."""
    weight, bias = core.unpack_weights_f32(_packed_array("unpack_f32", packed))
    return UnpackedF32(read_header(packed), torch.from_numpy(weight), torch.from_numpy(bias))

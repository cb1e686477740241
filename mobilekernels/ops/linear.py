"""int8 linear: `linear`, `linear_float`."""

from __future__ import annotations

import torch
from torch import Tensor

from mobilekernels.ops import _fake
from mobilekernels.ops._call import call


@_fake.register("linear")
def _(
    x: Tensor,
    packed: Tensor,
    out_features: int,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Tensor:
    return _fake.empty(x, _fake.linear_shape("linear", x, torch.int8, packed, out_features), torch.int8)


@_fake.register("linear_float")
def _(x: Tensor, packed: Tensor, out_features: int, x_zero_point: int) -> Tensor:
    shape = _fake.linear_shape("linear_float", x, torch.int8, packed, out_features)
    return _fake.empty(x, shape, torch.float32)


def linear(
    x: Tensor,
    packed: Tensor,
    out_features: int,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """Linear, requantized and clamped: int8 [..., in_features] -> int8 [..., out_features].

    ``packed`` comes from `mobilekernels.packing.pack_linear`. Raises as `conv2d`.
    """
    return call(
        torch.ops.mobilekernels.linear.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_features,
        x_zero_point,
        out_zero_point,
        out_min,
        out_max,
    )


def linear_float(x: Tensor, packed: Tensor, out_features: int, x_zero_point: int) -> Tensor:
    """Linear left in float: int8 [..., in_features] -> float32 [..., out_features].

    ``packed`` must have been packed with ``out_scale=1.0``. Raises as `conv2d`.
    """
    return call(
        torch.ops.mobilekernels.linear_float.default,
        {"x": x, "packed": packed},
        x,
        packed,
        out_features,
        x_zero_point,
    )

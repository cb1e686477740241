"""Linear on floats by int8 weights, activations quantized on the way: `linear_dynamic`."""

from __future__ import annotations

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call

_EPS = torch.finfo(torch.float32).eps  # of PyTorch's observers


@_fake.register("linear_dynamic")
def _(
    x: Tensor,
    packed: Tensor,
    bias: Tensor,
    out_features: int,
    per_row: bool,
    symmetric: bool,
    quant_min: int,
    quant_max: int,
    eps: float,
) -> Tensor:
    op = "linear_dynamic"
    shape = _fake.linear_shape(op, x, torch.float32, packed, out_features)
    _fake.check_dtype(op, "bias", bias, torch.float32)
    if bias.dim() != 1 or bias.shape[0] != out_features:
        raise bad_argument(ValueError, op, "bias", f"shape {_fake.shape_text(bias)}", f"[{out_features}]")
    return _fake.empty(x, shape, torch.float32)


def linear_dynamic(
    x: Tensor,
    packed: Tensor,
    bias: Tensor,
    out_features: int,
    per_row: bool = False,
    symmetric: bool = False,
    quant_min: int = -128,
    quant_max: int = 127,
    eps: float = _EPS,
) -> Tensor:
    """Linear by int8 weights: float32 [..., in_features] -> float32 [..., out_features], both contiguous.

    ``packed`` comes from `mobilekernels.packing.pack_linear_dynamic`; ``bias`` is float32 [out_features].
    ``x`` is quantized to the codes ``quant_min`` to ``quant_max`` by the smallest and the largest of its
    values and 0, one scale and zero point for all of it or, ``per_row``, for each row of in_features;
    ``symmetric`` has no zero point. No scale is smaller than ``eps`` (2**-100 to 2**100). Products are exact,
    and the bytes are the same on every instruction set.

    Where a value is NaN or infinite there is no scale: all outputs are NaN, ``per_row`` those of its row.
    Raises as `linear`; ValueError for a range of codes that is no part of -128 to 127, of fewer than 16
    codes, or without 0 between its ends where it is symmetric.
    """
    return call(
        torch.ops.mobilekernels.linear_dynamic.default,
        {"x": x, "packed": packed, "bias": bias},
        x,
        packed,
        bias,
        out_features,
        per_row,
        symmetric,
        quant_min,
        quant_max,
        eps,
    )

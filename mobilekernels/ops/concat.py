"""Moves of int8 data: `concat`, `channel_shuffle`, `slice_channels`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call


@_fake.register("concat")
def _(
    xs: list[Tensor],
    dim: int,
    scales: list[float],
    zero_points: list[int],
    out_scale: float,
    out_zero_point: int,
) -> Tensor:
    op = "concat"
    if not xs:
        raise bad_argument(ValueError, op, "xs", "no tensors", "at least one")
    for argument, count in (("scales", len(scales)), ("zero_points", len(zero_points))):
        if count != len(xs):
            raise bad_argument(
                ValueError, op, argument, f"{count} values", f"one for each of the {len(xs)} tensors"
            )
    first = xs[0]
    rank = first.dim()
    if not -rank <= dim < rank:
        raise bad_argument(ValueError, op, "dim", dim, f"a dimension of shape {_fake.shape_text(first)}")
    axis = dim % rank
    shape = list(first.shape)
    for i, x in enumerate(xs):
        _fake.check_dtype(op, f"xs[{i}]", x, torch.int8)
        if i == 0:
            continue
        if x.dim() != rank or any(x.shape[d] != first.shape[d] for d in range(rank) if d != axis):
            raise bad_argument(
                ValueError,
                op,
                f"xs[{i}]",
                f"shape {_fake.shape_text(x)}",
                f"the shape of xs[0], {_fake.shape_text(first)}, but for dimension {axis}",
            )
        shape[axis] += x.shape[axis]
    return _fake.empty(first, shape, torch.int8)


@_fake.register("channel_shuffle")
def _(x: Tensor, groups: int) -> Tensor:
    op = "channel_shuffle"
    _fake.check_dtype(op, "x", x, torch.int8)
    if x.dim() < 1:
        raise bad_argument(ValueError, op, "x", "shape []", "[..., channels]")
    if groups < 1 or x.shape[-1] % groups != 0:
        raise bad_argument(ValueError, op, "groups", groups, f"a divisor of {x.shape[-1]} channels")
    return _fake.empty(x, x.shape, torch.int8)


@_fake.register("slice_channels")
def _(x: Tensor, start: int, end: int) -> Tensor:
    op = "slice_channels"
    _fake.check_dtype(op, "x", x, torch.int8)
    if x.dim() < 1:
        raise bad_argument(ValueError, op, "x", "shape []", "[..., channels]")
    if not 0 <= start < end <= x.shape[-1]:
        raise bad_argument(
            ValueError, op, "start, end", f"{start}, {end}", f"0 <= start < end <= {x.shape[-1]}"
        )
    return _fake.empty(x, (*x.shape[:-1], end - start), torch.int8)


def concat(
    xs: Sequence[Tensor],
    dim: int,
    scales: Sequence[float],
    zero_points: Sequence[int],
    out_scale: float,
    out_zero_point: int,
) -> Tensor:
    """int8 tensors along ``dim``, each requantized from its own scale and zero point to the output's -> int8.

    Raises ValueError where shapes, counts, scales or zero points do not fit, TypeError for another dtype,
    NotImplementedError off the CPU.
    """
    if not isinstance(xs, (list, tuple)):
        raise bad_argument(TypeError, "concat", "xs", type(xs).__name__, "a list or tuple of tensors")
    if not xs:  # the dispatcher would find no tensor to choose a kernel by, and say only that
        raise bad_argument(ValueError, "concat", "xs", "no tensors", "at least one")
    tensors = {f"xs[{i}]": x for i, x in enumerate(xs)}
    arguments = (dim, scales, zero_points, out_scale, out_zero_point)
    return call(torch.ops.mobilekernels.concat.default, tensors, list(xs), *arguments)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """int8 [..., groups * n], shuffled along the last dimension -> the same shape. Raises as `concat`."""
    return call(torch.ops.mobilekernels.channel_shuffle.default, {"x": x}, x, groups)


def slice_channels(x: Tensor, start: int, end: int) -> Tensor:
    """int8 [..., channels] -> int8 [..., end - start], contiguous. Raises as `concat`."""
    return call(torch.ops.mobilekernels.slice_channels.default, {"x": x}, x, start, end)

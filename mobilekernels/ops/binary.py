"""int8 `add` and `mul` with NumPy broadcasting."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument
from mobilekernels.ops import _fake
from mobilekernels.ops._call import call

_MOST_DIMENSIONS = 6


def _fake_binary(op: str, a: Tensor, b: Tensor) -> Tensor:
    for argument, operand in (("a", a), ("b", b)):
        _fake.check_dtype(op, argument, operand, torch.int8)
        if operand.dim() > _MOST_DIMENSIONS:
            raise bad_argument(
                ValueError,
                op,
                argument,
                f"shape {_fake.shape_text(operand)}",
                f"at most {_MOST_DIMENSIONS} dimensions",
            )
    try:
        shape = torch.broadcast_shapes(a.shape, b.shape)
    except RuntimeError:
        raise bad_argument(
            ValueError,
            op,
            "b",
            f"shape {_fake.shape_text(b)}",
            f"one that broadcasts with {_fake.shape_text(a)}",
        ) from None
    return _fake.empty(a, shape, torch.int8)


@_fake.register("add")
def _(a: Tensor, b: Tensor, *arguments: Any) -> Tensor:
    return _fake_binary("add", a, b)


@_fake.register("mul")
def _(a: Tensor, b: Tensor, *arguments: Any) -> Tensor:
    return _fake_binary("mul", a, b)


def _binary(op: Any, a: Tensor, b: Tensor, *arguments: Any) -> Tensor:
    return call(op, {"a": a, "b": b}, a, b, *arguments)


def add(
    a: Tensor,
    b: Tensor,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """a + b of int8 tensors whose shapes broadcast, at most 6 dimensions -> int8.

    Raises ValueError where shapes do not broadcast or a scale or zero point is out of range, TypeError for
    another dtype, NotImplementedError off the CPU.
    """
    parameters = (a_scale, a_zero_point, b_scale, b_zero_point, out_scale, out_zero_point, out_min, out_max)
    return _binary(torch.ops.mobilekernels.add.default, a, b, *parameters)


def mul(
    a: Tensor,
    b: Tensor,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int = -128,
    out_max: int = 127,
) -> Tensor:
    """a * b; the rest as `add`."""
    parameters = (a_scale, a_zero_point, b_scale, b_zero_point, out_scale, out_zero_point, out_min, out_max)
    return _binary(torch.ops.mobilekernels.mul.default, a, b, *parameters)

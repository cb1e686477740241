"""What the fakes share: registration of both overloads, and the checks that need no data.

A fake tells the shape and dtype of an op's result, for torch.compile and torch.export. It refuses what the
op would refuse for its shapes and dtypes, with the same kind of message, so that tracing fails where
running would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument

Fake = Callable[..., Tensor]


def register(name: str) -> Callable[[Fake], Fake]:
    """Registers a function as the fake of ``mobilekernels::<name>``, and one for its ``.out`` overload."""

    def decorate(fake: Fake) -> Fake:
        def fake_out(*args: Any, out: Tensor) -> Tensor:
            expected = fake(*args)
            if out.dtype != expected.dtype:
                raise bad_argument(TypeError, name, "out", out.dtype, f"{expected.dtype}")
            if len(out.shape) != len(expected.shape) or any(
                a != b for a, b in zip(out.shape, expected.shape, strict=True)
            ):
                raise bad_argument(
                    ValueError, name, "out", f"shape {shape_text(out)}", f"{shape_text(expected)}"
                )
            return out

        torch.library.register_fake(f"mobilekernels::{name}", fake)
        torch.library.register_fake(f"mobilekernels::{name}.out", fake_out)
        return fake

    return decorate


def shape_text(tensor: Tensor) -> str:
    return str(list(tensor.shape))


def check_dtype(op: str, argument: str, tensor: Tensor, dtype: torch.dtype) -> None:
    if tensor.dtype != dtype:
        raise bad_argument(TypeError, op, argument, tensor.dtype, f"{dtype}")


def check_rank(op: str, argument: str, tensor: Tensor, rank: int, layout: str) -> None:
    if tensor.dim() != rank:
        raise bad_argument(
            ValueError, op, argument, f"shape {shape_text(tensor)}", f"{rank} dimensions, {layout}"
        )


def check_image(op: str, argument: str, tensor: Tensor) -> None:
    """int8 [N, H, W, C]"""
    check_dtype(op, argument, tensor, torch.int8)
    check_rank(op, argument, tensor, 4, "[N, H, W, C]")


def check_packed(op: str, packed: Tensor) -> None:
    check_dtype(op, "packed", packed, torch.int8)


def check_length(op: str, argument: str, values: Sequence[int], length: int, order: str) -> None:
    if len(values) != length:
        raise bad_argument(ValueError, op, argument, list(values), f"{length} values, {order}")


def check_window(
    op: str,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> None:
    check_length(op, "kernel_size", kernel_size, 2, "(height, width)")
    check_length(op, "stride", stride, 2, "(height, width)")
    check_length(op, "padding", padding, 4, "(top, bottom, left, right)")
    check_length(op, "dilation", dilation, 2, "(height, width)")
    for argument, values, least in (
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if any(value < least for value in values):
            raise bad_argument(ValueError, op, argument, list(values), f"values of at least {least}")


def window_positions(
    op: str,
    size: tuple[int, int],
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    """(height, width) of a convolution's output, for windows that `check_window` has seen."""
    h, w = size
    top, bottom, left, right = padding
    spare_h = h + top + bottom - dilation[0] * (kernel_size[0] - 1) - 1
    spare_w = w + left + right - dilation[1] * (kernel_size[1] - 1) - 1
    if spare_h < 0 or spare_w < 0:
        raise bad_argument(
            ValueError,
            op,
            "x",
            f"an image of ({h}, {w})",
            "one that, padded, is no smaller than the dilated kernel",
        )
    return [spare_h // stride[0] + 1, spare_w // stride[1] + 1]


def linear_shape(op: str, x: Tensor, dtype: torch.dtype, packed: Tensor, out_features: int) -> list[int]:
    """That of a linear layer's output, `x` being [..., in_features] of that dtype."""
    check_dtype(op, "x", x, dtype)
    check_packed(op, packed)
    if x.dim() < 1:
        raise bad_argument(ValueError, op, "x", "shape []", "[..., in_features]")
    if out_features < 1:
        raise bad_argument(ValueError, op, "out_features", out_features, "at least 1")
    return [*x.shape[:-1], out_features]


def empty(like: Tensor, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A contiguous result on the device of ``like``."""
    return torch.empty(shape, dtype=dtype, device=like.device)

"""Holds an operator to the expected bytes on every tested ISA, with one thread and more."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import mobilekernels as mk
from mobilekernels import _core
from tests.same_bytes import assert_same_bytes
from tests.strategies import Layer
from tests.tested_isas import tested_isas

Array = npt.NDArray[Any]


def pack(layer: Layer) -> Array:
    """The packed weight of a layer, int8 [bytes], from int32 bias and float32 scales as they are."""
    weight = layer.weight if layer.weight.ndim == 4 else layer.weight[:, :, None, None]
    packed: Array = _core.pack_weights(
        np.ascontiguousarray(weight),
        layer.bias,
        layer.scale,
        groups=layer.groups,
        input_zero_point=layer.x_zero_point,
        block=layer.block,
    )
    return packed


def window_arguments(layer: Layer) -> tuple[Any, ...]:
    """What the schemas of all convolutions have between `packed` and the output's parameters."""
    out_channels, _, kernel_h, kernel_w = layer.weight.shape
    g = layer.geometry
    window = ((kernel_h, kernel_w), g["stride"], g["padding"], g["dilation"])
    return (out_channels, *window, layer.groups, layer.x_zero_point)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(array.copy(order="C"))


def as_op_argument(argument: Any) -> Any:
    """Arrays become tensors, tuples the lists that the schemas want; all else stays."""
    if isinstance(argument, np.ndarray):
        return tensor(argument)
    if isinstance(argument, list | tuple):
        return [as_op_argument(item) for item in argument]
    return argument


def never(expected: Array) -> Array:
    """Of the shape and dtype of `expected`, with another value everywhere."""
    return np.asarray(~expected) if expected.dtype == np.int8 else np.full_like(expected, np.nan)


def assert_everywhere(
    name: str, expected: Array, *arguments: Any, threads: Sequence[int] = (1, 2), **keywords: Any
) -> None:
    """torch.ops.mobilekernels.<name>, both overloads, equals `expected`: shape, dtype and every byte."""
    overloads = getattr(torch.ops.mobilekernels, name)
    converted = [as_op_argument(argument) for argument in arguments]
    for isa in tested_isas():
        for count in threads:
            with mk.isa(isa), torch_threads(count):
                result = overloads.default(*converted, **keywords)
                # A value the op forgets to write must not be right by chance.
                out = tensor(never(expected))
                returned = overloads.out(*converted, **keywords, out=out)
            assert result.is_contiguous()
            assert returned.data_ptr() == out.data_ptr()
            for form, got in (("functional", result), ("out", out)):
                assert_same_bytes(got.numpy(), expected, f"{name} {form}, {isa}, {count} threads")

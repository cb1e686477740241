"""Calibration data in every form that people have it, as tuples of model inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch

_ACCEPTED = (
    "accepted is an iterable (list, generator, DataLoader) of float tensors, of tuples of model inputs or of "
    "(input, label) pairs"
)


class CalibrationData:
    """Iterates over tuples of inputs, once, whatever the source yields.

    Args:
        data: an iterable of tensors, of tuples or lists of tensors, or of (input, label) pairs; a DataLoader.
        inputs: number of the model's inputs where it is known. Otherwise the second of two items is taken for
            a label if it is a number, or an integer tensor of at most one dimension.

    Raises:
        TypeError: ``data`` or an item has a type that is none of these.
        ValueError: ``data`` yields nothing, or an item has too few tensors or a NaN.
    """

    def __init__(self, data: Any, inputs: int | None = None) -> None:
        if isinstance(data, (torch.Tensor, dict, str, bytes)) or not isinstance(data, Iterable):
            raise TypeError(f"calibration_data: given {_describe(data)}; {_ACCEPTED}")
        self._inputs = inputs
        self._size = _length(data)
        iterator = iter(data)
        try:
            first = next(iterator)
        except StopIteration:
            raise ValueError(f"calibration_data: given an empty {type(data).__name__}; {_ACCEPTED}") from None
        self.first = self._normalise(first, 0)
        self._rest = iterator

    def __len__(self) -> int:
        """Number of batches; TypeError where the source does not know it."""
        if self._size is None:
            raise TypeError("the calibration data does not know its length")
        return self._size

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        rest = (self._normalise(item, index) for index, item in enumerate(self._rest, start=1))
        return itertools.chain([self.first], rest)

    def _normalise(self, item: Any, index: int) -> tuple[torch.Tensor, ...]:
        where = f"calibration_data[{index}]"
        if isinstance(item, torch.Tensor):
            tensors: tuple[Any, ...] = (item,)
        elif isinstance(item, (tuple, list)) and item:
            tensors = tuple(item)
        else:
            raise TypeError(f"{where}: given {_describe(item)}; {_ACCEPTED}")
        if self._inputs is not None:
            if len(tensors) < self._inputs:
                raise ValueError(
                    f"{where}: given {len(tensors)} inputs; accepted are at least {self._inputs}"
                )
            tensors = tensors[: self._inputs]
        elif len(tensors) == 2 and _is_label(tensors[1]):
            tensors = tensors[:1]
        for tensor in tensors:
            if not isinstance(tensor, torch.Tensor):
                raise TypeError(f"{where}: given {_describe(tensor)} among the inputs; {_ACCEPTED}")
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise ValueError(f"{where}: given NaN or infinity; accepted are finite values")
            if tensor.numel() == 0:
                raise ValueError(f"{where}: given an empty tensor of shape {tuple(tensor.shape)}")
        return tensors


def _is_label(item: Any) -> bool:
    if isinstance(item, torch.Tensor):
        return item.dim() <= 1 and not item.is_floating_point()
    return isinstance(item, (int, str))


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None


def _describe(item: Any) -> str:
    if isinstance(item, torch.Tensor):
        return f"one tensor of shape {tuple(item.shape)}"
    return f"a {type(item).__name__}"

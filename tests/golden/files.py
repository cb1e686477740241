"""Golden files: calls of operators and packings of weights, with the bytes that they gave, in one .npz.

A file has `data`, the bytes of all arrays (little-endian, in C order), and `records`, UTF-8 JSON: a list of
{"function", "arguments", "keywords", "result"}, in which {"array": [dtype, shape, first byte]} stands for an
array and "channels_last" in place of "array" for its view as [N, C, H, W].
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mobilekernels as mk
from tests.ops.calls import Call, ChannelsLast
from tests.ops.everywhere import Array


@dataclass(frozen=True)
class Record:
    """`function`: "pack_conv2d", "pack_linear" or the name of an operator. Arrays stand for tensors."""

    function: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    @classmethod
    def of(cls, call: Call) -> Record:
        return cls(call.name, call.arguments, dict(call.keywords))

    def run(self) -> Array:
        """What the function gives here."""
        packing = getattr(mk.packing, self.function, None)
        function = packing or getattr(torch.ops.mobilekernels, self.function).default
        # JSON has no tuples.
        keywords = {key: tuple(v) if isinstance(v, list) else v for key, v in self.keywords.items()}
        result: Array = function(*(_as_tensor(argument) for argument in self.arguments), **keywords).numpy()
        return result


def _as_tensor(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return torch.from_numpy(argument.copy(order="C"))
    if isinstance(argument, ChannelsLast):
        return torch.from_numpy(argument.array.copy(order="C")).permute(0, 3, 1, 2)
    if isinstance(argument, list | tuple):
        return [_as_tensor(item) for item in argument]
    return argument


def write(path: Path, records: Iterable[Record]) -> int:
    """Runs the records, writes them with their results, and says how many there were."""
    data = bytearray()
    placed: dict[bytes, int] = {}  # what several records share is stored once

    def encoded(value: Any) -> Any:
        if isinstance(value, ChannelsLast):
            return {"channels_last": encoded(value.array)["array"]}
        if isinstance(value, list | tuple):
            return [encoded(item) for item in value]
        if not isinstance(value, np.ndarray):
            return value
        content = value.tobytes()
        first = placed.setdefault(content, len(data))
        if first == len(data):
            data.extend(content)
        return {"array": [value.dtype.str, value.shape, first]}

    written = [
        {
            "function": record.function,
            "arguments": encoded(record.arguments),
            "keywords": record.keywords,
            "result": encoded(record.run()),
        }
        for record in records
    ]
    text = json.dumps(written).encode()
    np.savez_compressed(path, records=np.frombuffer(text, np.uint8), data=np.frombuffer(data, np.uint8))
    return len(written)


def read(path: Path) -> Iterator[tuple[Record, Array]]:
    """Each record with the result that it had where the file was written."""
    with np.load(path) as stored:
        data, text = stored["data"].tobytes(), stored["records"].tobytes()

    def array(place: list[Any]) -> Array:
        dtype, shape, first = place
        return np.frombuffer(data, dtype, math.prod(shape), first).reshape(shape).copy()

    def decoded(value: Any) -> Any:
        if isinstance(value, list):
            return [decoded(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "channels_last" in value:
            return ChannelsLast(array(value["channels_last"]))
        return array(value["array"])

    for row in json.loads(text):
        record = Record(row["function"], tuple(decoded(row["arguments"])), row["keywords"])
        yield record, decoded(row["result"])

"""The text of a segment, a graph of our operators, written and read.

csrc/segment/program.h has the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from mobilekernels.errors import FormatError

VERSION = 1
# The one operator that is not ours: it moves no data.
FLATTEN = torch.ops.aten.flatten.using_ints


def operator_of(name: str) -> Any:
    """The overload that a line's first word stands for."""
    if name == "flatten":
        return FLATTEN
    packet = getattr(torch.ops.mobilekernels, name, None)
    if packet is None or name.startswith("segment"):
        raise FormatError(f"segment: program: there is no operator {name!r}")
    return packet.default


def name_of(target: Any) -> str | None:
    """The word for an overload, or None where a segment cannot hold it."""
    if target is FLATTEN:
        return "flatten"
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "mobilekernels":
        return None
    name = target._schema.name.partition("::")[2]
    return None if target._overloadname != "default" or name == "segment" else name


def is_tensor(argument: Any) -> bool:
    """Whether an argument of a schema is a tensor, or a list of them."""
    return "Tensor" in str(argument.type)


def _converted(number: Any, kind: str) -> Any:
    return float(number) if kind == "float" else bool(number) if kind == "bool" else number


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    # The shortest decimal that reads back as the same double.
    return str(int(value)) if isinstance(value, (bool, int)) else repr(float(value))


@dataclass(frozen=True)
class Step:
    """One operator: the values it reads, its other arguments in the order of its schema, a label."""

    name: str
    values: tuple[int, ...]
    numbers: tuple[Any, ...]
    label: str = ""

    def line(self) -> str:
        words = [self.name, *map(str, self.values), ":", *map(_text, self.numbers)]
        return " ".join([*words, "#", self.label] if self.label else words)

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """What the operator is called with, its tensors taken from `values`."""
        tensors, numbers = iter([values[i] for i in self.values]), iter(self.numbers)
        return [
            _converted(next(numbers), str(argument.type))
            if not is_tensor(argument)
            else list(tensors)
            if "List" in str(argument.type)
            else next(tensors)
            for argument in operator_of(self.name)._schema.arguments
        ]


RunStep = Callable[[Step, list[Any]], Any]


@dataclass(frozen=True)
class Program:
    """Values 0 .. inputs - 1 are the segment's inputs, then its constants, then each step's result."""

    inputs: int
    constants: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def text(self) -> str:
        head = [f"segment {VERSION}", f"inputs {self.inputs}", f"constants {self.constants}"]
        last = "outputs " + " ".join(map(str, self.outputs))
        return "\n".join([*head, *(step.line() for step in self.steps), last]) + "\n"

    @staticmethod
    def parse(text: str) -> Program:
        """Reads what `text` wrote; FormatError for anything else."""
        return _parse(text)

    def run(
        self, inputs: Iterable[Any], constants: Iterable[Any], run_step: RunStep | None = None
    ) -> list[Any]:
        """Step by step from Python: what the fused op must equal, and how its results' shapes are known.

        Args:
            run_step: called instead of a step's operator, with the step and its arguments.
        """
        values = [*inputs, *constants]
        if len(values) != self.inputs + self.constants:
            expected = self.inputs + self.constants
            raise ValueError(f"segment: inputs, constants: given {len(values)} tensors, accepted {expected}")
        for step in self.steps:
            arguments = step.arguments(values)
            values.append(
                run_step(step, arguments) if run_step is not None else operator_of(step.name)(*arguments)
            )
        return [values[i] for i in self.outputs]


@lru_cache(maxsize=64)
def _parse(text: str) -> Program:
    lines = text.splitlines()
    try:
        counts = [
            _count(line, key) for line, key in zip(lines[:3], ("segment", "inputs", "constants"), strict=True)
        ]
        if counts[0] != VERSION:
            raise FormatError(f"segment: program: given version {counts[0]}, accepted {VERSION}")
        steps = tuple(_step(line) for line in lines[3:-1])
        key, *outputs = lines[-1].split()
        if key != "outputs":
            raise ValueError(f"{lines[-1]!r} is not the line of outputs")
        return Program(counts[1], counts[2], steps, tuple(map(int, outputs)))
    except FormatError:
        raise
    except (ValueError, IndexError) as error:
        raise FormatError(f"segment: program: {error}") from error


def _count(line: str, key: str) -> int:
    word, value = line.split()
    if word != key:
        raise ValueError(f"{line!r} is not the line of {key}")
    return int(value)


def _step(line: str) -> Step:
    line, _, label = line.partition("#")
    name, *rest = line.split()
    colon = rest.index(":")
    return Step(name, tuple(map(int, rest[:colon])), tuple(_numbers(rest[colon + 1 :])), label.strip())


def _numbers(words: Iterable[str]) -> Iterator[Any]:
    for word in words:
        if word.startswith("["):
            yield [_number(item) for item in word.strip("[]").split(",") if item]
        else:
            yield _number(word)


def _number(word: str) -> int | float:
    try:
        return int(word)
    except ValueError:
        return float(word)

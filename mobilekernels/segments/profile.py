"""Where a converted network's time goes: each operator inside its segments, and what is outside of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from mobilekernels._lib import core
from mobilekernels.converted import ConvertedModel
from mobilekernels.packing import read_header
from mobilekernels.segments.program import Program, Step, operator_of
from mobilekernels.timing import torch_threads


@dataclass(frozen=True)
class OperatorTime:
    """One operator inside a segment.

    Attributes:
        label: its name in the source's graph.
        operator: of `mobilekernels`.
        shape: of its result.
        macs: multiply-adds of one call.
        microseconds: median over the calls.
    """

    label: str
    operator: str
    shape: tuple[int, ...]
    macs: int
    microseconds: float

    @property
    def gmacs(self) -> float:
        """Billions of multiply-adds a second."""
        return self.macs / self.microseconds / 1e3 if self.microseconds > 0 else 0.0


@dataclass(frozen=True)
class Profile:
    """Medians over the calls, in microseconds.

    Attributes:
        whole: of a call of the model; recording adds two readings of the clock an operator.
        inside: of all operators of a call together.
        between: inside segments, but in none of their operators.
        outside: of a call less its operators: Python, PyTorch, stock operators, and `between`.
        operators: in the order in which they run.
    """

    calls: int
    threads: int
    whole: float
    inside: float
    between: float
    outside: float
    operators: tuple[OperatorTime, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has."""
        return asdict(self)

    def rows(self) -> list[list[str]]:
        """A header and a row an operator."""
        rows = [["operator", "name", "result", "us", "share", "GMAC/s"]]
        for each in self.operators:
            shape = "x".join(map(str, each.shape))
            rate = f"{each.gmacs:.0f}" if each.macs else "-"
            share = f"{100 * each.microseconds / self.whole:.1f} %"
            rows.append([each.operator, each.label, shape, f"{each.microseconds:.1f}", share, rate])
        return rows

    def summary(self) -> str:
        """One line."""
        share = 100 * self.outside / self.whole
        return (
            f"{self.whole:.0f} us a call: {self.inside:.0f} in operators, {self.outside:.0f} outside of them "
            f"({share:.1f} %; {self.between:.0f} inside segments); {self.calls} calls, {self.threads} threads"
        )


def profile(model: ConvertedModel, inputs: Sequence[Any], calls: int = 50, threads: int = 1) -> Profile:
    """Calls a converted model `calls` times with its operators' times recorded.

    Args:
        inputs: of one call, as the model takes them.
        threads: of PyTorch and of our operators.
    """
    if not isinstance(model, ConvertedModel):
        raise TypeError(f"model: given {type(model).__name__}, accepted what mobilekernels.convert returns")
    if calls < 1:
        raise ValueError(f"calls: given {calls}, accepted numbers from 1 on")
    with torch.no_grad(), torch_threads(threads):
        steps = _described(model, inputs)
        _timed(model, inputs, 3)
        core.start_segment_recording()
        try:
            whole = _timed(model, inputs, calls)
        finally:
            recorded = core.stop_segment_recording()
    # The segments of one call stand side by side.
    segments = len(recorded) // calls
    times = [
        [ns for _, _, operators in recorded[call * segments : (call + 1) * segments] for _, ns in operators]
        for call in range(calls)
    ]
    sums = [sum(each) for each in times]
    totals = [sum(ns for _, ns, _ in recorded[i * segments : (i + 1) * segments]) for i in range(calls)]
    order = [
        (index, node) for index, (_, _, operators) in enumerate(recorded[:segments]) for node, _ in operators
    ]
    medians = [statistics.median(column) / 1e3 for column in zip(*times, strict=True)]
    return Profile(
        calls,
        threads,
        statistics.median(whole) / 1e3,
        statistics.median(sums) / 1e3,
        _median_difference(totals, sums),
        _median_difference(whole, sums),
        tuple(OperatorTime(*steps[at], median) for at, median in zip(order, medians, strict=True)),
    )


def _median_difference(more: Sequence[int], less: Sequence[int]) -> float:
    """Call by call, in microseconds."""
    return statistics.median(a - b for a, b in zip(more, less, strict=True)) / 1e3


def _timed(model: nn.Module, inputs: Sequence[Any], calls: int) -> list[int]:
    """Nanoseconds of each call."""
    taken = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        model(*inputs)
        taken.append(time.perf_counter_ns() - start)
    return taken


# Label, operator, shape of the result, multiply-adds.
_Step = tuple[str, str, tuple[int, ...], int]


def _described(model: ConvertedModel, inputs: Sequence[Any]) -> dict[tuple[int, int], _Step]:
    """What each step is, by the number of its segment and its own."""
    describer = _Describer(model.graph_module)
    describer.run(*torch.utils._pytree.tree_leaves(tuple(inputs)))
    return {
        (segment, node): step
        for segment, steps in enumerate(describer.segments)
        for node, step in enumerate(steps)
    }


class _Describer(fx.Interpreter):
    """Runs each segment step by step, and notes what the steps are."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.segments: list[list[_Step]] = []

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is not torch.ops.mobilekernels.segment.default:
            return super().call_function(target, args, kwargs)
        steps: list[_Step] = []
        self.segments.append(steps)

        def run_step(step: Step, arguments: list[Any]) -> Tensor:
            operator = operator_of(step.name)
            result: Tensor = operator(*arguments)
            names = [argument.name for argument in operator._schema.arguments]
            macs = 0
            if "packed" in names:
                header = read_header(arguments[names.index("packed")])
                taps = header.in_channels // header.groups * math.prod(header.kernel_size)
                macs = result.numel() * taps
            steps.append((step.label, step.name, tuple(result.shape), macs))
            return result

        inputs, constants, text = args
        return Program.parse(text).run(inputs, constants, run_step)

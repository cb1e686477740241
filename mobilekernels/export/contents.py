"""What is in an exported file: operators and where they run, sizes."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import fx

from mobilekernels.segments.program import Program, name_of

# Ours; in ExecuTorch's XNNPACK delegate; ExecuTorch's own kernels; PyTorch's.
Place = Literal["ours", "xnnpack", "portable", "torch"]

# The kernel family of an operator; those that are not listed move bytes. A convolution's depends on its
# weight.
_FAMILIES = {
    "conv2d": "gemm, depthwise, spgemm",
    "conv2d_add": "gemm, depthwise, spgemm",
    "conv2d_float": "gemm, depthwise, spgemm",
    "linear": "gemm, spgemm",
    "linear_float": "gemm, spgemm",
    "linear_dynamic": "gemm, spgemm",
    "conv2d_f32": "spgemm_f32",
    "linear_f32": "spgemm_f32",
    "max_pool2d": "pool",
    "avg_pool2d": "pool",
    "adaptive_avg_pool2d": "pool",
    **dict.fromkeys(
        ("quantize", "quantize_nhwc", "dequantize", "dequantize_nchw", "add", "mul", "lut", "concat"),
        "elementwise",
    ),
}


@dataclass(frozen=True)
class ExportedOp:
    """One operator of an exported network.

    Attributes:
        op: "conv2d" of ours, "aten::softmax" of others; of an XNNPACK delegate read from a file "delegate",
            as the file does not say what is in it.
        place: who computes it.
        name: in the network; empty where the file has none.
        segment: which of the file's segments it is part of; None outside of segments.
        reason: why it is not ours, or not XNNPACK's; empty where the file is all that is known.
    """

    op: str
    place: Place
    name: str = ""
    segment: int | None = None
    reason: str = ""

    @property
    def kernels(self) -> str:
        """The families of our kernels that compute it."""
        return _FAMILIES.get(self.op, "copy") if self.place == "ours" else ""


@dataclass(frozen=True)
class Contents:
    """An exported file.

    Attributes:
        kind: ".pte", ".pt2", ".pt2 (AOTInductor)" or ".ptl".
        batch: "dynamic" or "static"; "" where the file does not say.
        file_bytes: of the whole file.
        packed_bytes: of packed weights and tables, as our kernels read them from the file.
        planned_bytes: of the buffers between operators that ExecuTorch plans; 0 for other files.
    """

    kind: str
    ops: tuple[ExportedOp, ...]
    batch: str
    file_bytes: int
    packed_bytes: int
    planned_bytes: int = 0

    def counts(self) -> dict[str, Counter[str]]:
        """For each place, how often each operator is there."""
        found: dict[str, Counter[str]] = {}
        for op in self.ops:
            found.setdefault(op.place, Counter())[op.op] += 1
        return found

    @property
    def segments(self) -> int:
        return len({op.segment for op in self.ops if op.segment is not None})

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        ops = [asdict(op) | {"kernels": op.kernels} for op in self.ops]
        counts = {place: dict(counter) for place, counter in self.counts().items()}
        return {**asdict(self), "ops": ops, "operators": counts, "segments": self.segments}

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The same for people."""
        batch = f", {self.batch} batch" if self.batch else ""
        lines = [f"{self.kind}{batch}: {_kib(self.file_bytes)}, packed weights {_kib(self.packed_bytes)}"]
        if self.planned_bytes:
            lines.append(f"buffers between operators: {_kib(self.planned_bytes)}")
        for place, counter in self.counts().items():
            inside = f", segments: {self.segments}" if place == "ours" else ""
            lines.append(f"{place}: {counter.total()} operators{inside}")
            kernels = {op.op: op.kernels for op in self.ops if op.kernels}
            width = max(map(len, counter))
            lines += [
                f"{n:5d}  {op:{width}}  {kernels.get(op, '')}".rstrip() for op, n in counter.most_common()
            ]
        return lines


def _kib(count: int) -> str:
    return f"{count / 1024:.0f} KiB"


@dataclass
class Collector:
    """Operators in the order in which they come; segments are taken apart."""

    rest: Place
    ops: list[ExportedOp]
    segments: int = 0

    @staticmethod
    def of(rest: Place) -> Collector:
        """`rest`: where what is not ours runs."""
        return Collector(rest, [])

    def add_segment(self, program: str) -> None:
        """The operators of a segment's text."""
        for step in Program.parse(program).steps:
            self.ops.append(ExportedOp(step.name, "ours", step.label, self.segments))
        self.segments += 1

    def add(self, op: str, name: str = "", reason: str = "") -> None:
        """Any other operator: "mobilekernels::conv2d", "aten::softmax"."""
        namespace, _, bare = op.partition("::")
        if namespace == "mobilekernels":
            self.ops.append(ExportedOp(bare, "ours", name))
        else:
            self.ops.append(ExportedOp(op, self.rest, name, reason=reason))


def of_graph(graph: fx.Graph) -> tuple[list[ExportedOp], set[fx.Node]]:
    """The operators of an exported graph, and the nodes that ours read."""
    collector = Collector.of("torch")
    read: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op != "call_function" or node.target is operator.getitem:
            continue
        if node.target is torch.ops.mobilekernels.segment.default:
            collector.add_segment(str(node.args[2]))
            read |= set(node.all_input_nodes)
        elif name_of(node.target) is not None or isinstance(node.target, torch._ops.OpOverload):
            collector.add(node.target._schema.name, node.name)
            read |= set(node.all_input_nodes) if collector.ops[-1].place == "ours" else set()
    return collector.ops, read


def of_texts(ops: Iterable[tuple[str, str | None]], rest: Place) -> Iterator[ExportedOp]:
    """Operators by name, each with its program where it is a segment."""
    collector = Collector.of(rest)
    for name, program in ops:
        if program is None:
            collector.add(name)
        else:
            collector.add_segment(program)
    yield from collector.ops

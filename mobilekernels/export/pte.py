"""`.pte`: ExecuTorch's program. Our operators stay what they are, as `.out` kernels; the rest is lowered.

Constants are written as they are in the network, so packed weights reach the kernels from the mapped file,
without a copy. Nothing is planned for what is inside a segment: its arena is temporary memory of the shapes
at hand. Inputs are not planned either, as a runtime reads them where the caller has them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from torch.export import ExportedProgram

from mobilekernels.errors import FormatError
from mobilekernels.export import trailer
from mobilekernels.export.contents import Collector, Contents, ExportedOp
from mobilekernels.export.delegation import lowered_ops, xnnpack_reasons
from mobilekernels.requirements import require

Rest = Literal["xnnpack", "portable"]


def lower(program: ExportedProgram, rest: Rest = "xnnpack") -> tuple[bytes, tuple[ExportedOp, ...]]:
    """The file's bytes without a trailer, and its operators with the reasons of those outside XNNPACK.

    Args:
        rest: where operators that are not ours go: to the XNNPACK delegate where it takes them, or all to
            ExecuTorch's portable kernels.
    """
    exir = require("executorch.exir", "executorch", "export to .pte")
    for node in program.graph.nodes:
        # Every pass copies a node's history, which grows with the passes: a fifth of the whole time.
        node.meta.pop("from_node", None)
    partitioners = []
    if rest == "xnnpack":
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

        partitioners = [XnnpackPartitioner()]
    with xnnpack_reasons() as reasons:
        edge = exir.to_edge_transform_and_lower(
            program, partitioner=partitioners, compile_config=exir.EdgeCompileConfig(_check_ir_validity=False)
        )
    ops = tuple(lowered_ops(edge.exported_program(), reasons if partitioners else None))
    config = exir.ExecutorchBackendConfig(
        memory_planning_pass=exir.passes.MemoryPlanningPass(alloc_graph_input=False)
    )
    return edge.to_executorch(config).buffer, ops


def read(path: Path) -> Contents:
    """Raises FormatError for a damaged file, ImportError without ExecuTorch."""
    data = path.read_bytes()
    program = trailer.check(data, str(path))
    serialize = require("executorch.exir._serialize._program", "executorch", "reading a .pte file")
    try:
        return _contents(serialize.deserialize_pte_binary(program).program, len(data))
    except Exception as error:
        raise FormatError(
            f"{path}: cannot be read as a .pte file: {type(error).__name__}: {error}"
        ) from error


def load_ms(path: Path) -> float:
    """Milliseconds from the file to a method that can be called, in this process; its checksum is in there.

    Raises:
        ImportError, RuntimeError: it cannot be loaded here; the message says why.
    """
    from mobilekernels.engines.executorch_runtime import silence
    from mobilekernels.executorch import load, load_program

    load()
    with silence():
        load_program(path).load_method("forward")  # sets up the runtime, too
        begin = time.perf_counter()
        method = load_program(path).load_method("forward")
        passed = time.perf_counter() - begin
    if method is None:
        raise RuntimeError("the program has no method named forward")
    return 1e3 * passed


def _contents(program: Any, file_bytes: int) -> Contents:
    plan = next(plan for plan in program.execution_plan if plan.name == "forward")
    values = [value.val for value in plan.values]
    collector = Collector.of("portable")
    packed: set[int] = set()
    for chain in plan.chains:
        for instruction in chain.instructions:
            call = instruction.instr_args
            if hasattr(call, "op_index"):
                _add_kernel(collector, plan.operators[call.op_index], [values[i] for i in call.args])
                if collector.ops[-1].place == "ours":
                    packed |= set(_constants(values, call.args))
            elif hasattr(call, "delegate_index"):
                name = plan.delegates[call.delegate_index].id
                collector.ops.append(ExportedOp("delegate", "xnnpack", name))
    inputs = [values[i] for i in plan.inputs]
    dynamic = any(getattr(value, "shape_dynamism", 0) for value in inputs)
    return Contents(
        ".pte",
        tuple(collector.ops),
        "dynamic" if dynamic else "static",
        file_bytes,
        sum(math.prod(values[i].sizes) for i in packed),
        sum(plan.non_const_buffer_sizes),
    )


def _add_kernel(collector: Collector, operator: Any, arguments: list[Any]) -> None:
    if operator.name == "mobilekernels::segment":
        collector.add_segment(arguments[2].string_val)
    else:
        collector.add(operator.name)


def _constants(values: list[Any], arguments: list[int]) -> Iterator[int]:
    """The int8 constants among a kernel's arguments, in lists too."""
    for index in arguments:
        value = values[index]
        if hasattr(value, "items"):
            yield from _constants(values, value.items)
        elif getattr(value, "data_buffer_idx", 0) and value.allocation_info is None:
            yield index

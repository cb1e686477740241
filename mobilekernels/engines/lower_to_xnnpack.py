"""A process of its own that delegates an exported program to XNNPACK: ``python -m ... INPUT.pt2 OUTPUT.pte``.

Lowering takes tens of seconds of one core and writes to the terminal as it likes; in a process of its own it
runs beside the other engines, and what it writes stays here. The last line of stdout is the number of
operators that XNNPACK did not take.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch


def lower(program: torch.export.ExportedProgram) -> tuple[bytes, int]:
    """The .pte file's bytes, and how many operators stay outside the delegate."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    for node in program.graph.nodes:
        # Every pass copies a node's history, which grows with the passes: a fifth of the whole time.
        node.meta.pop("from_node", None)
    edge = to_edge_transform_and_lower(
        program,
        partitioner=[XnnpackPartitioner()],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    calls = [node for node in edge.exported_program().graph.nodes if node.op == "call_function"]
    outside = sum("aten" in str(node.target) for node in calls)
    return edge.to_executorch().buffer, outside


def main(source: str, target: str) -> None:
    """Read, lower, write."""
    import torch.ao.quantization.fx._decomposed  # registers the operators of PT2E graphs

    warnings.simplefilter("ignore")
    with torch.no_grad():
        program, outside = lower(torch.export.load(source))
    Path(target).write_bytes(program)
    print(f"\n{outside}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What a plan says it needs."""

import torch

import mobilekernels as mk
from mobilekernels.segments.memory import Memory, memory_of
from tests.segments.test_segment import Net


def test_a_chain_needs_two_buffers() -> None:
    step = "add {0} {0} : 1 0 1 0 1 0 -128 127\n"
    steps = "".join(step.format(i) for i in range(10))
    program = f"segment 1\ninputs 1\nconstants 0\n{steps}outputs 10\n"
    memory = Memory(**mk._core.segment_memory(program, [("int8", [1000])], 1))
    # 1024 bytes each, rounded up to cache lines; the last result is the output's own.
    assert memory == Memory(arena=2 * 1024, live=2 * 1024, total=9 * 1024, workspace=0)


def test_the_report_tells() -> None:
    x = torch.randn(2, 3, 16, 16)
    converted, report = mk.convert(mk.quantize(Net(False).eval(), [(x,)]), (x,))
    memory = memory_of(converted.graph_module, (x,))
    assert 0 < memory.live <= memory.arena < memory.total
    assert f"activations for 2x3x16x16: {memory}" in report.remarks
    assert str(memory) in str(report)


def test_a_larger_batch_needs_more() -> None:
    x = torch.randn(1, 3, 16, 16)
    converted, _ = mk.convert(mk.quantize(Net(True).eval(), [(x,)]), (x,))
    small, large = (memory_of(converted.graph_module, (torch.randn(n, 3, 16, 16),)) for n in (1, 4))
    assert large.arena > 3 * small.arena

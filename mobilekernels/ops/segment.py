"""`segment`: a whole graph of operators from one call."""

from __future__ import annotations

import torch
from torch import Tensor

from mobilekernels.ops._call import call
from mobilekernels.segments.program import Program


def _fake(inputs: list[Tensor], constants: list[Tensor], program: str) -> list[Tensor]:
    """The fakes of the program's operators, one after the other."""
    return Program.parse(program).run(inputs, constants)


def _fake_out(inputs: list[Tensor], constants: list[Tensor], program: str, *, out: list[Tensor]) -> None:
    _fake(inputs, constants, program)


torch.library.register_fake("mobilekernels::segment", _fake)
torch.library.register_fake("mobilekernels::segment.out", _fake_out)


def segment(inputs: list[Tensor], constants: list[Tensor], program: str) -> list[Tensor]:
    """Runs the text of a `mobilekernels.segments.program.Program`; `constants` are packed weights and tables.

    int8 or float32 tensors, contiguous (float images may have any strides). Nothing is allocated between the
    operators: their results share one block of memory, planned once for the inputs' shapes.

    Raises ValueError, TypeError or NotImplementedError, named after the operator inside that refuses;
    FormatError for a program that cannot be read.
    """
    tensors = {f"inputs[{i}]": t for i, t in enumerate(inputs)}
    tensors |= {f"constants[{i}]": t for i, t in enumerate(constants)}
    results: list[Tensor] = call(torch.ops.mobilekernels.segment.default, tensors, inputs, constants, program)  # type: ignore[assignment]
    return results

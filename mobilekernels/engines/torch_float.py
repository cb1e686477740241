"""PyTorch in float32, eager: the reference for accuracy."""

from __future__ import annotations

from mobilekernels.engines.base import Prepared, Subject, engine, first_output


@engine("torch-float", "PyTorch float32", "float32")
def ENGINE(subject: Subject) -> Prepared:
    """Run the float module as it is."""
    model = subject.float_model
    return Prepared(run=lambda *inputs: first_output(model(*inputs)))

"""This package's kernels."""

from __future__ import annotations

from mobilekernels.engines.base import EngineAbsent, Prepared, Subject, engine, first_output


@engine("mobilekernels", "mobilekernels int8", "int8")
def ENGINE(subject: Subject) -> Prepared:
    """Run the converted module as it is."""
    converted = subject.converted
    if converted is None:
        raise EngineAbsent("no converted model was given")
    return Prepared(run=lambda *inputs: first_output(converted(*inputs)))

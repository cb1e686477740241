"""This package's kernels in ExecuTorch's runtime: what `mobilekernels.export` writes, run from Python."""

from __future__ import annotations

from mobilekernels.engines.base import EngineAbsent, Pending, Subject, engine
from mobilekernels.engines.executorch_runtime import begin_lowering, require_executorch


@engine("mobilekernels-pte", "mobilekernels int8, .pte", "int8", slow=True)
def ENGINE(subject: Subject) -> Pending:
    """Lower the converted module; its kernels come from libmobilekernels_executorch."""
    require_executorch()
    if subject.converted is None:
        raise EngineAbsent("no converted model was given")
    try:
        from mobilekernels.executorch import load

        load()
    except (ImportError, RuntimeError) as error:
        raise EngineAbsent(str(error)) from error
    return begin_lowering(subject.converted, subject)

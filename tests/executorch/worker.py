"""`python -m tests.executorch.worker JOBS RESULTS THREADS`: pickled lists of Job and of Result."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import torch

from tests.executorch.runtime import Job, Result


def _run(job: Job) -> Result:
    from executorch.runtime import Runtime

    import mobilekernels.executorch as kernels

    result = Result()
    try:
        program = Runtime.get().load_program(job.program)
        method = program.load_method("forward")
        assert method is not None
        result.outputs = [list(method.execute(inputs)) for inputs in job.calls]
    except RuntimeError as exc:
        result.error, result.last_error = str(exc), kernels.last_error()
    return result


def main(source: str, target: str, threads: str) -> None:
    import mobilekernels.executorch as kernels
    from mobilekernels.engines.executorch_runtime import set_threads

    kernels.load()
    set_threads(int(threads))
    with torch.no_grad():
        results = [_run(job) for job in pickle.loads(Path(source).read_bytes())]
    Path(target).write_bytes(pickle.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])

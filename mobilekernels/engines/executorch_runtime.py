"""Lowering to ExecuTorch, beside this process, and running the program in it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from mobilekernels.engines.base import EngineAbsent, Pending, Prepared, Subject


def require_executorch() -> None:
    """Raise EngineAbsent where ExecuTorch cannot be imported."""
    if importlib.util.find_spec("executorch") is None:
        raise EngineAbsent("executorch is not installed (pip install --no-deps executorch; see the README)")


def begin_lowering(module: nn.Module, subject: Subject) -> Pending:
    """Export ``module`` for the example's shapes and start to lower it; the program is loaded at the end.

    Raises:
        EngineAbsent: the export failed. Lowering and loading raise it later, from ``Pending.finish``.
    """
    folder = tempfile.TemporaryDirectory(prefix="mobilekernels-xnnpack-")
    source, target = Path(folder.name) / "model.pt2", Path(folder.name) / "model.pte"
    try:
        with torch.no_grad():
            torch.export.save(torch.export.export(module, subject.example_inputs), source)
    except Exception as error:
        folder.cleanup()
        raise EngineAbsent(f"torch.export failed: {_brief(str(error))}") from error
    worker = subprocess.Popen(
        [sys.executable, "-m", "mobilekernels.engines.lower", str(source), str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Several of them run at a time, and what they do is Python.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    def finish() -> Prepared:
        with folder:
            out, err = worker.communicate()
            if worker.returncode != 0:
                raise EngineAbsent(f"lowering failed: {_brief(err)}")
            where = out.strip().splitlines()[-1]
            try:
                with silence():
                    return _load(target.read_bytes(), subject, where)
            except (RuntimeError, ImportError) as error:
                raise EngineAbsent(f"the ExecuTorch runtime refused it: {_brief(str(error))}") from error

    def cancel() -> None:
        worker.kill()
        worker.communicate()
        folder.cleanup()

    return Pending(finish, cancel)


def _load(program: bytes, subject: Subject, note: str) -> Prepared:
    import executorch.kernels.quantized  # noqa: F401  (operators for what XNNPACK leaves)
    from executorch.runtime import Runtime, Verification

    set_threads(subject.threads)
    loaded = Runtime.get().load_program(program, verification=Verification.Minimal)
    method = loaded.load_method("forward")
    if method is None:
        raise RuntimeError("the program has no method named forward")
    method.execute(list(subject.example_inputs))

    def run(*inputs: torch.Tensor, keep_alive: object = loaded) -> torch.Tensor:
        # A method does not own the program that it points into, hence keep_alive.
        result = method.execute(inputs)[0]
        assert isinstance(result, torch.Tensor)
        return result

    return Prepared(run=run, note=note)


def set_threads(threads: int) -> None:
    """Let programs that are loaded from now on compute with that many threads."""
    # A loaded method keeps a pointer to the pool that it was loaded with, so this comes before loading, and
    # the pool is left alone where it fits.
    from executorch.extension.pybindings.portable_lib import (
        _threadpool_get_thread_count,
        _unsafe_reset_threadpool,
    )

    if _threadpool_get_thread_count() != threads:
        _unsafe_reset_threadpool(threads)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Without the runtime's own lines on stderr (written by C++) and its warning that it is experimental."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with warnings.catch_warnings(), open(os.devnull, "wb") as nowhere:
            warnings.simplefilter("ignore")
            os.dup2(nowhere.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
    finally:
        os.close(saved)


def _brief(text: str) -> str:
    """The line that says most: a traceback's last one, an error message's only one."""
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "no reason given"

"""Lowering to ExecuTorch's XNNPACK delegate and running the program in this process."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator

import torch
from torch import nn

from mobilekernels.engines.base import EngineAbsent, Inputs, Prepared, Subject


def require_executorch() -> None:
    """Raise EngineAbsent where ExecuTorch cannot be imported."""
    if importlib.util.find_spec("executorch") is None:
        raise EngineAbsent("executorch is not installed (pip install --no-deps executorch; see the README)")


def lower_and_load(module: nn.Module, subject: Subject) -> Prepared:
    """Export ``module`` for the example's shapes, delegate it to XNNPACK and load it.

    Raises:
        EngineAbsent: a step failed; the text says which and why.
    """
    with _quiet():
        try:
            program, fallbacks = _lower(module, subject.example_inputs)
        except Exception as error:
            raise EngineAbsent(f"lowering to XNNPACK failed: {_brief(error)}") from error
        try:
            return _load(program, subject, fallbacks)
        except Exception as error:
            raise EngineAbsent(f"the ExecuTorch runtime refused the program: {_brief(error)}") from error


def _lower(module: nn.Module, inputs: Inputs) -> tuple[bytes, list[str]]:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    with torch.no_grad():
        exported = torch.export.export(module, inputs)
        for node in exported.graph.nodes:
            # Every pass copies a node's history, which grows with the passes: a fifth of the whole time.
            node.meta.pop("from_node", None)
        edge = to_edge_transform_and_lower(
            exported,
            partitioner=[XnnpackPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        left = [
            str(node.target)
            for node in edge.exported_program().graph.nodes
            if node.op == "call_function" and "aten" in str(node.target)
        ]
        return edge.to_executorch().buffer, left


def _load(program: bytes, subject: Subject, fallbacks: list[str]) -> Prepared:
    import executorch.kernels.quantized  # noqa: F401  (operators for what XNNPACK leaves)
    from executorch.runtime import Runtime, Verification

    _set_threads(subject.threads)
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

    note = f"{len(fallbacks)} operators outside XNNPACK" if fallbacks else "one XNNPACK delegate"
    return Prepared(run=run, note=note)


def _set_threads(threads: int) -> None:
    # A loaded method keeps a pointer to the pool that it was loaded with, so this comes before loading, and
    # the pool is left alone where it fits.
    from executorch.extension.pybindings.portable_lib import (
        _threadpool_get_thread_count,
        _unsafe_reset_threadpool,
    )

    if _threadpool_get_thread_count() != threads:
        _unsafe_reset_threadpool(threads)


def _brief(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep ExecuTorch's chatter (log lines, warnings, native stderr) out of the user's terminal."""
    logging.disable(logging.WARNING)
    saved = os.dup(2)
    try:
        with tempfile.TemporaryFile() as sink, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.dup2(sink.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
    finally:
        os.close(saved)
        logging.disable(logging.NOTSET)

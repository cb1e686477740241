"""The last step of the main road: a converted network in, a file for a runtime out."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch
from torch.utils import _pytree as pytree

from mobilekernels.errors import bad_argument
from mobilekernels.export import pt2, pte, ptl, trailer
from mobilekernels.export.contents import Contents
from mobilekernels.export.program import Traced, as_module, check_runs, module_of, trace
from mobilekernels.export.report import ExportReport
from mobilekernels.export.target import Target, check_target
from mobilekernels.segments.memory import memory_of

SUFFIXES = (".pte", ".pt2", ".ptl")
# The largest batch of a .pte where none is asked for.
_PTE_BATCH = 8


def export(
    model: Any,
    example_inputs: torch.Tensor | tuple[Any, ...] | list[Any],
    path: str | Path,
    *,
    max_batch: int | None = None,
    rest: pte.Rest = "xnnpack",
    aot_inductor: bool = False,
    target: Target = "any",
) -> ExportReport:
    """Writes a converted network to a file, for the runtime that the suffix names.

    `.pte` is for ExecuTorch with this package's kernel library; `.pt2` for `torch.export.load` (or, with
    `aot_inductor`, `torch._inductor.aoti_load_package`) after `import mobilekernels`; `.ptl` for PyTorch's
    lite interpreter, which PyTorch has deprecated. All give the bytes that the model gives, but for operators
    that are not
    ours: other runtimes may round floats differently.

    Args:
        model: what `mobilekernels.convert` returned, alone or inside a module; or an ExportedProgram of it.
        example_inputs: a tensor, or a tuple of what the model takes.
        path: its suffix says what is written. The file appears when it is complete.
        max_batch: the largest batch that the file takes; 1: the batch is the example's, static. None: any,
            but of a `.pte` 8 (or the example's, where that is larger), as its buffers between operators are
            planned for the largest batch.
        rest: `.pte`: what computes operators that are not ours: "xnnpack", where it takes them, else and with
            "portable", ExecuTorch's portable kernels.
        aot_inductor: `.pt2`: compile what is around our operators, for this machine's processor.
        target: "arm64", "x86_64" or "any"; it changes no byte of a file that is not compiled.

    Returns:
        The report: which operator went where and why, sizes, memory, load time.

    Raises:
        TypeError: an argument is of a type not listed.
        ValueError: an unknown suffix, target or `rest`, a model that was not converted, or that torch.export
            cannot take.
        ImportError: `.pte` without ExecuTorch (`pip install mobilekernels[executorch]`).
    """
    path = Path(path)
    _check(path, max_batch, rest, aot_inductor, target)
    inputs = _inputs(example_inputs)
    module = as_module(model)
    check_runs(module, inputs)
    tensors = [leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor)]
    traced = trace(module, inputs, _most(max_batch, tensors, path.suffix))
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
        scratch = Path(folder) / path.name
        if path.suffix == ".pte":
            contents = _pte(traced, scratch, rest)
        elif path.suffix == ".pt2":
            (pt2.compile_into if aot_inductor else pt2.write)(traced.program, scratch)
            contents = replace(pt2.read(scratch), batch=traced.batch)
        else:
            contents = _ptl(traced, tensors, scratch)
        scratch.replace(path)
    memory = memory_of(module_of(traced.program), tensors)
    notes = (f"the batch is static: {traced.why_static}",) if traced.why_static else ()
    load_ms, why = _load_ms(path) if path.suffix == ".pte" else (None, ())
    return ExportReport(str(path), target, contents, memory, load_ms, (*notes, *why))


def _pte(traced: Traced, path: Path, rest: pte.Rest) -> Contents:
    program, ops = pte.lower(traced.program, rest)
    path.write_bytes(trailer.seal(program))
    # The file does not say what is in a delegate.
    return replace(pte.read(path), ops=ops)


def _load_ms(path: Path) -> tuple[float | None, tuple[str, ...]]:
    """The time, or why there is none: what writes a file need not be able to run it."""
    try:
        return pte.load_ms(path), ()
    except (ImportError, RuntimeError) as error:
        return None, (f"its load time was not measured: {error}",)


def _ptl(traced: Traced, inputs: list[torch.Tensor], path: Path) -> Contents:
    warnings.warn(ptl.DEPRECATED, DeprecationWarning, stacklevel=3)
    ptl.write(module_of(traced.program), tuple(inputs), path)
    return replace(ptl.read(path), batch=traced.batch)


def _check(path: Path, max_batch: int | None, rest: str, aot_inductor: bool, target: str) -> None:
    suffix = path.suffix
    if suffix not in SUFFIXES:
        raise bad_argument(
            ValueError, "export", "path", f"suffix {suffix!r}", f"one of {', '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise bad_argument(
            ValueError, "export", "path", f"{path}, in no folder", "a file in a folder that exists"
        )
    if isinstance(max_batch, bool) or not isinstance(max_batch, int | None):
        raise bad_argument(TypeError, "export", "max_batch", type(max_batch).__name__, "int or None")
    if max_batch is not None and max_batch < 1:
        raise bad_argument(ValueError, "export", "max_batch", max_batch, "numbers from 1 on")
    if rest not in get_args(pte.Rest):
        raise bad_argument(
            ValueError, "export", "rest", repr(rest), f"one of {', '.join(get_args(pte.Rest))}"
        )
    if aot_inductor and suffix != ".pt2":
        raise bad_argument(
            ValueError, "export", "aot_inductor", f"True for a {suffix} file", "True for .pt2 files"
        )
    check_target(target, aot_inductor)


def _inputs(example_inputs: Any) -> tuple[Any, ...]:
    if isinstance(example_inputs, torch.Tensor):
        return (example_inputs,)
    if isinstance(example_inputs, (tuple, list)):
        return tuple(example_inputs)
    accepted = "a tensor or a tuple of inputs"
    raise bad_argument(TypeError, "export", "example_inputs", type(example_inputs).__name__, accepted)


def _most(max_batch: int | None, inputs: list[torch.Tensor], suffix: str) -> int | None:
    batch = max((tensor.shape[0] for tensor in inputs if tensor.dim()), default=1)
    if max_batch is None:
        return max(_PTE_BATCH, batch) if suffix == ".pte" else None
    if 1 < max_batch < batch:
        raise bad_argument(
            ValueError, "export", "max_batch", max_batch, f"at least the example's batch of {batch}"
        )
    return max_batch

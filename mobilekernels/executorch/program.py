"""Loading a `.pte` file, after looking at it: ExecuTorch's loaders trust what a file says."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilekernels.errors import FormatError
from mobilekernels.executorch import library

if TYPE_CHECKING:
    from executorch.runtime import Program


def load_program(path: str | os.PathLike[str], *, unsealed: bool = False, **options: Any) -> Program:
    """The program of a file of `mobilekernels.export`, in ExecuTorch's runtime with our kernels.

        method = mobilekernels.executorch.load_program("model.pte").load_method("forward")
        (output,) = method.execute([x])

    Args:
        path: the file. It is mapped, and read once for its checksum.
        unsealed: take a file without the checksum that `mobilekernels.export` writes, too. ExecuTorch may
            crash on a damaged one.
        options: of `executorch.runtime.Runtime.load_program`.

    Raises:
        FormatError: the file is damaged, cut off, of another version, or not of `mobilekernels.export`.
        OSError: it cannot be read.
        ImportError, RuntimeError: as `load` has it; RuntimeError also where ExecuTorch refuses the file.
    """
    library.load()
    problem = _problem(Path(path))
    if problem and not unsealed:
        raise FormatError(f"{os.fspath(path)}: {problem}")
    from executorch.runtime import Runtime, Verification

    options = {"verification": Verification.InternalConsistency, **options}
    return Runtime.get().load_program(Path(path), **options)


def _problem(path: Path) -> str:
    """Looking also makes the kernels check their weights anew: this file may lie where another did."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return "given 0 bytes, accepted a .pte file"
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
            return library.check_file(view).removeprefix("FormatError: file: ")

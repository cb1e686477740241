"""Loading libmobilekernels_executorch into ExecuTorch's runtime, and asking it."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import warnings
from pathlib import Path

import numpy as np

LIBRARY = Path(__file__).resolve().parents[1] / "libmobilekernels_executorch.so"


def load() -> None:
    """Register the kernels of `mobilekernels::*` with ExecuTorch. Called again, it does nothing.

    Raises:
        ImportError: ExecuTorch is not installed (`pip install mobilekernels[executorch]`), this build of the
            package has no kernel library for it, or the library does not load here.
        RuntimeError: the process has these kernels already, from another copy of the library.
    """
    _library()


def version() -> str:
    """The version of the kernel library, "0.1.0". Raises as `load` does."""
    text: bytes = _library().mobilekernels_executorch_version()
    return text.decode()


def ops() -> tuple[str, ...]:
    """The names of its kernels, "mobilekernels::conv2d.out" ..., sorted. Raises as `load` does."""
    names = _library().mobilekernels_executorch_ops()
    found: list[str] = []
    while names[len(found)] is not None:
        found.append(names[len(found)].decode())
    return tuple(found)


def last_error() -> str:
    """What the latest of our kernels that failed in this thread had to say; "" if none did.

    "ValueError: conv2d: x: given ..., accepted ...". ExecuTorch's own exceptions have a number alone. Raises
    as `load` does.
    """
    text: bytes = _library().mobilekernels_executorch_last_error()
    return text.decode(errors="replace")


def check_file(data: memoryview) -> str:
    """What is wrong with the bytes of a `.pte` file of `mobilekernels.export`; "" for a whole one."""
    memory = np.frombuffer(data, np.uint8)
    text: bytes = _library().mobilekernels_executorch_check_file(memory.ctypes.data, memory.size)
    return text.decode()


@functools.cache
def _library() -> ctypes.CDLL:
    _import_runtime()
    if not LIBRARY.is_file():
        raise ImportError(
            f"mobilekernels: the kernel library {LIBRARY.name} is missing from {LIBRARY.parent}: this build "
            "was made without ExecuTorch. Install a wheel that has it, or build where ExecuTorch "
            "is installed (`pip install --no-deps executorch==1.5.1`, then `make build`)."
        )
    try:
        library = ctypes.CDLL(str(LIBRARY))
        for name in ("version", "refusal", "last_error", "check_file"):
            getattr(library, f"mobilekernels_executorch_{name}").restype = ctypes.c_char_p
        library.mobilekernels_executorch_ops.restype = ctypes.POINTER(ctypes.c_char_p)
    except (OSError, AttributeError) as exc:  # AttributeError: the library of another release
        raise ImportError(
            f"mobilekernels: {LIBRARY.name} does not load with this package and the ExecuTorch that is "
            f"installed, which must be >= 1.5.1, < 1.6: {exc}"
        ) from exc
    library.mobilekernels_executorch_check_file.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    refusal: bytes = library.mobilekernels_executorch_refusal()
    if refusal:
        raise RuntimeError(f"mobilekernels: {LIBRARY.name}: {refusal.decode()}")
    return library


def _import_runtime() -> None:
    """The runtime has to be in the process first: the library registers with it as it is loaded."""
    if importlib.util.find_spec("executorch") is None:
        raise ImportError(
            "mobilekernels: executorch is not installed: pip install mobilekernels[executorch] "
            "(or, without what running a model does not need, pip install --no-deps executorch==1.5.1)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its Python interface is experimental
        importlib.import_module("executorch.runtime")

"""Loads the native libraries; everything that needs them imports this module first."""

from __future__ import annotations

from pathlib import Path

import torch

_FOLDER = Path(__file__).resolve().parent
_REBUILD = (
    "Install a wheel of mobilekernels for this Python and platform, or build the libraries in a checkout "
    "with `make build` (or `pip install --no-build-isolation -e .`)."
)


def _load() -> None:
    library = _FOLDER / "libmobilekernels_torch.so"
    if not library.is_file():
        raise ImportError(
            f"mobilekernels: the native library {library.name} is missing from {_FOLDER}. {_REBUILD}"
        )
    try:
        torch.ops.load_library(str(library))
    except OSError as exc:
        raise ImportError(
            f"mobilekernels: {library.name} does not load with torch {torch.__version__}, which must be "
            f">= 2.10: {exc.__cause__ or exc}. {_REBUILD}"
        ) from exc


_load()

try:
    from mobilekernels import _core as core
except ImportError as exc:
    raise ImportError(f"mobilekernels: the extension module _core does not load: {exc}. {_REBUILD}") from exc

__all__ = ["core"]

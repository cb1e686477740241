"""Reads exported files back."""

from __future__ import annotations

from pathlib import Path

from mobilekernels.errors import bad_argument
from mobilekernels.export import pt2, pte, ptl
from mobilekernels.export.contents import Contents

_READERS = {".pte": pte.read, ".pt2": pt2.read, ".ptl": ptl.read}
SUFFIXES = tuple(_READERS)


def read(path: str | Path) -> Contents:
    """What is in an exported file.

    Raises:
        ValueError: the suffix is none of ours.
        FileNotFoundError: there is no such file.
        FormatError: the file is damaged, or not what its suffix says.
        ImportError: a `.pte` file without ExecuTorch installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise bad_argument(
            ValueError, "read", "path", f"suffix {path.suffix!r}", f"one of {', '.join(SUFFIXES)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"read: path: given {path}, which is no file")
    return _READERS[path.suffix](path)

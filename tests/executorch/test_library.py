"""Loading the kernel library: once, with an error that says what is missing, and never over another copy."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import mobilekernels as mk
from mobilekernels.executorch import library

ROOT = Path(__file__).parents[2]

needs_executorch = pytest.mark.skipif(
    importlib.util.find_spec("executorch") is None, reason="executorch is not installed"
)


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a library cannot be unloaded."""
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def printed(program: str, *arguments: str) -> list[str]:
    done = python(program, *arguments)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
    return done.stdout.splitlines()


@needs_executorch
def test_what_cannot_be_loaded_is_named_and_what_can_is_loaded_once(tmp_path: Path) -> None:
    """In one process, as each costs seconds: no library, a damaged one, another architecture's, ours."""
    image = bytearray(library.LIBRARY.read_bytes())
    image[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
    (tmp_path / "damaged.so").write_bytes(image[:4096])
    (tmp_path / "aarch64.so").write_bytes(image)
    lines = printed(
        """
        import pathlib, sys
        from mobilekernels import executorch
        from mobilekernels.executorch import library
        ours = library.LIBRARY
        for name in ("none.so", "damaged.so", "aarch64.so"):
            library.LIBRARY = pathlib.Path(sys.argv[1], name)
            try:
                executorch.load()
            except ImportError as exc:
                print(exc)
        library.LIBRARY = ours
        executorch.load()
        executorch.load()  # again: nothing happens
        print(executorch.version())
        print(*executorch.ops(), sep="\\n")
        """,
        str(tmp_path),
    )
    expected = {"none": "is missing from", "damaged": "does not load", "aarch64": "does not load"}
    for line, (name, text) in zip(lines, expected.items(), strict=False):
        assert f"{name}.so" in line
        assert text in line
    assert lines[3] == mk.__version__
    registered = [name for name in torch._C._dispatch_get_all_op_names() if name.endswith(".out")]
    assert lines[4:] == sorted(name for name in registered if name.startswith("mobilekernels::"))


@needs_executorch
def test_a_second_copy_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / library.LIBRARY.name
    shutil.copy(library.LIBRARY, copy)
    shutil.copy(library.LIBRARY.with_name("libmobilekernels.so"), tmp_path)
    lines = printed(
        """
        import ctypes, sys
        import executorch.runtime
        from mobilekernels import executorch
        ctypes.CDLL(sys.argv[1])  # the app's own
        try:
            executorch.load()
        except RuntimeError as exc:
            print(exc)
        """,
        str(copy),
    )
    assert len(lines) == 1
    assert "is registered already: another copy of this library is in the process" in lines[0]


def test_executorch_that_is_not_installed_is_named() -> None:
    lines = printed(
        """
        import importlib.util, sys
        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "executorch" else found(name, *rest)
        import mobilekernels
        assert "executorch" not in sys.modules
        try:
            mobilekernels.executorch.load()
        except ImportError as exc:
            print(exc)
        """
    )
    assert len(lines) == 1
    assert "executorch is not installed: pip install mobilekernels[executorch]" in lines[0]

"""What importing the package costs and loads, and what it says where a native library is missing."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mobilekernels as mk

PACKAGE = Path(mk.__file__).parent
LIBRARIES = ("libmobilekernels.so", "libmobilekernels_torch.so")
HEAVY = (
    "executorch",
    "matplotlib",
    "rich",
    "torch._dynamo",
    "torch._inductor",
    "torch.export",
    "torch.fx.experimental.symbolic_shapes",
    "torchao",
    "torchvision",
)


# Importing from a folder, and from there alone: an editable install would find what is missing there.
FROM_FOLDER = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
sys.path.insert(0, {folder!r})
"""


def run(code: str, *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    preamble = FROM_FOLDER.format(folder=str(folder)) if folder else ""
    return subprocess.run([sys.executable, "-c", preamble + code], capture_output=True, text=True)


def test_import_is_light() -> None:
    """Only what torch itself has loaded already, and less than 0.3 s of CPU time."""
    code = """
import sys, time
import torch
before = set(sys.modules)
start = time.process_time()
import mobilekernels
print(time.process_time() - start)
print(*sorted(set(sys.modules) - before))
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    seconds, loaded = done.stdout.splitlines()
    assert [name for name in loaded.split() if name.startswith(HEAVY)] == []
    assert float(seconds) < 0.3


def test_public_names_resolve() -> None:
    for name in mk.__all__:
        assert getattr(mk, name) is not None
        assert name in dir(mk)
    assert mk.__version__ == "0.1.0"


@pytest.mark.parametrize("name", ["compare", "convert"])
def test_functions_are_not_hidden_by_modules_of_their_name(name: str) -> None:
    code = f"""
import importlib, mobilekernels as mk
module = importlib.import_module("mobilekernels.{name}")
print(callable(mk.{name}), mk.{name} is module.{name})
"""
    assert run(code).stdout == "True True\n"


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'mobilekernels' has no attribute 'nothing'"):
        _ = mk.nothing


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to be damaged."""
    shutil.copytree(PACKAGE, tmp_path / "mobilekernels", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def failure(folder: Path) -> str:
    done = run("import mobilekernels", folder=folder)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_the_copy_works(copy: Path) -> None:
    done = run("import mobilekernels; print(mobilekernels.__file__)", folder=copy)
    assert done.stdout.strip() == str(copy / "mobilekernels" / "__init__.py")


@pytest.mark.parametrize("name", LIBRARIES)
def test_missing_library_says_what_to_do(copy: Path, name: str) -> None:
    (copy / "mobilekernels" / name).unlink()
    message = failure(copy)
    assert message.startswith("ImportError: mobilekernels: ")
    assert name in message
    assert "make build" in message


def test_missing_extension_says_what_to_do(copy: Path) -> None:
    next((copy / "mobilekernels").glob("_core*.so")).unlink()
    message = failure(copy)
    assert message.startswith("ImportError: mobilekernels: the extension module _core does not load")
    assert "make build" in message


def test_incompatible_library_says_what_to_do(copy: Path) -> None:
    (copy / "mobilekernels" / LIBRARIES[1]).write_bytes(b"not a library")
    message = failure(copy)
    assert message.startswith(
        "ImportError: mobilekernels: libmobilekernels_torch.so does not load with torch "
    )
    assert "make build" in message


def test_loading_twice_is_harmless() -> None:
    importlib.reload(importlib.import_module("mobilekernels._lib"))
    assert len(mk.kernels()) > 0


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf of GNU binutils")
@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_are_relocatable_and_know_no_python(name: str) -> None:
    dynamic = subprocess.run(
        ["readelf", "-d", PACKAGE / name], capture_output=True, text=True, check=True
    ).stdout
    needed = [line for line in dynamic.splitlines() if "NEEDED" in line]
    assert not any("python" in line for line in needed)
    assert all("/" not in line for line in needed)
    paths = [line for line in dynamic.splitlines() if "RPATH" in line or "RUNPATH" in line]
    assert all(line.endswith("[$ORIGIN]") for line in paths)
    symbols = subprocess.run(
        ["readelf", "--dyn-syms", "-W", PACKAGE / name], capture_output=True, text=True, check=True
    ).stdout
    assert not any(
        line.split()[-1].startswith(("Py", "_Py")) for line in symbols.splitlines() if line.split()
    )

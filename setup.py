"""Builds the native libraries with CMake and Ninja and puts them into the package; pyproject.toml has the
rest.

The build folder is kept (build/cmake-<Python tag>), so that a second build compiles only what changed. Two
environment variables reach CMake: MOBILEKERNELS_CMAKE_ARGS (further arguments, split as a shell would) and
CMAKE_BUILD_PARALLEL_LEVEL.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
BUILD_FOLDER = ROOT / "build" / f"cmake-{sys.implementation.cache_tag}"


def tool(name: str) -> str:
    """The program beside this Python before any other: the system's cmake may be too old."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise SystemExit(f"mobilekernels: building needs {name}: pip install {name}")
    return found


def package_folder(name: str) -> Path:
    """Where an importable package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"mobilekernels: building needs the package {name}: pip install {name}")
    return Path(next(iter(spec.submodule_search_locations)))


def run(*command: str) -> None:
    """The program's own output says what went wrong; a traceback of this file would only hide it."""
    code = subprocess.run(command).returncode
    if code != 0:
        raise SystemExit(f"mobilekernels: {Path(command[0]).name} failed with exit code {code}")


class CMakeBuild(build_ext):
    """Configures, builds and installs the component `python` of CMakeLists.txt into the package's folder."""

    def get_outputs(self) -> list[str]:
        folder = Path(self.get_ext_fullpath("mobilekernels._core")).parent
        return [str(file) for file in sorted(folder.glob("*.so"))]

    def run(self) -> None:
        cmake = tool("cmake")
        target = Path(self.get_ext_fullpath("mobilekernels._core")).resolve().parent
        run(
            cmake,
            *("-S", str(ROOT), "-B", str(BUILD_FOLDER), "-G", "Ninja"),
            f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}",
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-Dpybind11_DIR={package_folder('pybind11') / 'share' / 'cmake' / 'pybind11'}",
            f"-DMOBILEKERNELS_TORCH_DIR={package_folder('torch')}",
            *("-DMOBILEKERNELS_TORCH=ON", "-DMOBILEKERNELS_PYTHON=ON", "-DMOBILEKERNELS_TESTS=OFF"),
            *shlex.split(os.environ.get("MOBILEKERNELS_CMAKE_ARGS", "")),
        )
        run(cmake, "--build", str(BUILD_FOLDER))
        # A library of an earlier build under another name would be loaded or shipped in its stead.
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        keep = {"libmobilekernels.so", "libmobilekernels_torch.so", f"_core{suffix}"}
        for stale in target.glob("*.so"):
            if stale.name not in keep:
                stale.unlink()
        run(cmake, "--install", str(BUILD_FOLDER), "--component", "python", "--prefix", str(target))


# For the Makefile, which runs ctest there.
if "--build-folder" in sys.argv:
    print(BUILD_FOLDER)
    sys.exit(0)

setup(
    ext_modules=[Extension("mobilekernels._core", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)

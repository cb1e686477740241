"""Builds the native libraries with CMake and Ninja and puts them into the package; pyproject.toml has the
rest.

The build folder is kept (build/cmake-<Python tag>), so that a second build compiles only what changed. Two
environment variables reach CMake: MOBILEKERNELS_CMAKE_ARGS (further arguments, split as a shell would) and
CMAKE_BUILD_PARALLEL_LEVEL. Two more make it a cross build (`make wheel-aarch64`): MOBILEKERNELS_CROSS names
one of CROSS_TARGETS, MOBILEKERNELS_CROSS_ROOT a folder with that system's Python headers and torch.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# Toolchain file -> the triplet in names of its extension modules, and the tag of the wheel.
CROSS_TARGETS = {"linux-aarch64": ("aarch64-linux-gnu", "manylinux_2_28_aarch64")}


@dataclass(frozen=True)
class Target:
    """The system that is built for."""

    build_folder: Path
    ext_suffix: str
    cmake_arguments: tuple[str, ...]
    # Of setuptools' commands.
    options: dict[str, dict[str, str]] = field(default_factory=dict)


def tool(name: str) -> str:
    """The program beside this Python before any other: the system's cmake may be too old."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise SystemExit(f"mobilekernels: building needs {name}: pip install {name}")
    return found


def package_folder(name: str) -> Path:
    """Where an importable package lies, without importing it."""
    folder = optional_package_folder(name)
    if folder is None:
        raise SystemExit(f"mobilekernels: building needs the package {name}: pip install {name}")
    return folder


def optional_package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def executorch_arguments(folder: Path | None) -> tuple[str, ...]:
    """The ExecuTorch face is built where ExecuTorch is: nothing else needs it."""
    if folder is None or not folder.is_dir():
        return ("-DMOBILEKERNELS_EXECUTORCH=OFF",)
    return ("-DMOBILEKERNELS_EXECUTORCH=ON", f"-DMOBILEKERNELS_EXECUTORCH_DIR={folder}")


def run(*command: str) -> None:
    """The program's own output says what went wrong; a traceback of this file would only hide it."""
    code = subprocess.run(command).returncode
    if code != 0:
        raise SystemExit(f"mobilekernels: {Path(command[0]).name} failed with exit code {code}")


def this_machine() -> Target:
    return Target(
        BUILD / f"cmake-{sys.implementation.cache_tag}",
        sysconfig.get_config_var("EXT_SUFFIX"),
        (
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-DMOBILEKERNELS_TORCH_DIR={package_folder('torch')}",
            *executorch_arguments(optional_package_folder("executorch")),
        ),
    )


def cross_target(name: str, root: Path) -> Target:
    """Another system, for this version of Python; `root` has usr/include/pythonX.Y and an installed torch."""
    if name not in CROSS_TARGETS:
        raise SystemExit(f"MOBILEKERNELS_CROSS: given {name!r}, accepted: {', '.join(CROSS_TARGETS)}")
    triplet, wheel_tag = CROSS_TARGETS[name]
    headers = root / "usr" / "include" / PYTHON
    torch = root / "usr" / "local" / "lib" / PYTHON / "dist-packages" / "torch"
    for folder in (headers, torch):
        if not folder.is_dir():
            wanted = folder.relative_to(root)
            raise SystemExit(f"MOBILEKERNELS_CROSS_ROOT: given {str(root)!r}, accepted: one with {wanted}")
    build_folder = BUILD / f"cmake-{sys.implementation.cache_tag}-{name}"
    suffix = f".{sys.implementation.cache_tag}-{triplet}.so"
    return Target(
        build_folder,
        suffix,
        (
            f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'cmake' / 'toolchains' / name}.cmake",
            f"-DPython_INCLUDE_DIR={headers}",
            f"-DPYTHON_MODULE_EXTENSION={suffix}",
            # Debian's pyconfig.h includes the one of the architecture; the root's libc headers are not to be
            # found first.
            f"-DCMAKE_CXX_FLAGS=-idirafter {root / 'usr' / 'include'}",
            f"-DMOBILEKERNELS_TORCH_DIR={torch}",
            # tools.arm_root has it outside of its Python's path: headers and libraries are all that it takes.
            *executorch_arguments(root / "opt" / "executorch"),
            "-DMOBILEKERNELS_MANYLINUX=ON",
        ),
        {"build": {"build_base": str(build_folder / "wheel")}, "bdist_wheel": {"plat_name": wheel_tag}},
    )


def chosen_target() -> Target:
    name = os.environ.get("MOBILEKERNELS_CROSS")
    if name is None:
        return this_machine()
    return cross_target(name, Path(os.environ.get("MOBILEKERNELS_CROSS_ROOT", "")).resolve())


TARGET = chosen_target()


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
            *("-S", str(ROOT), "-B", str(TARGET.build_folder), "-G", "Ninja"),
            f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}",
            f"-Dpybind11_DIR={package_folder('pybind11') / 'share' / 'cmake' / 'pybind11'}",
            *TARGET.cmake_arguments,
            *("-DMOBILEKERNELS_TORCH=ON", "-DMOBILEKERNELS_PYTHON=ON", "-DMOBILEKERNELS_TESTS=OFF"),
            *shlex.split(os.environ.get("MOBILEKERNELS_CMAKE_ARGS", "")),
        )
        run(cmake, "--build", str(TARGET.build_folder))
        # A library of an earlier build under another name would be loaded or shipped in its stead.
        keep = {f"libmobilekernels{face}.so" for face in ("", "_torch", "_executorch")}
        keep.add(f"_core{TARGET.ext_suffix}")
        for stale in target.glob("*.so"):
            if stale.name not in keep:
                stale.unlink()
        run(cmake, "--install", str(TARGET.build_folder), "--component", "python", "--prefix", str(target))


# For the Makefile, which runs ctest there.
if "--build-folder" in sys.argv:
    print(TARGET.build_folder)
    sys.exit(0)

setup(
    ext_modules=[Extension("mobilekernels._core", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
    options=TARGET.options,
)

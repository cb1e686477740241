"""The library that lets torch start on an ARMv8.0 core does that and nothing more (tools/lse_trap.cc)."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tools.arm_root import COMPILER, TRAP_FLAGS, TRAP_SOURCE

pytestmark = [
    pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is missing: apt-get install {package}")
    for tool, package in (("qemu-aarch64", "qemu-user"), (COMPILER, "g++-aarch64-linux-gnu"))
]
PROGRAM = Path(__file__).with_name("lse_trap_test.cc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the trap, and the program under two names."""
    path = tmp_path_factory.mktemp("lse")
    subprocess.run([COMPILER, *TRAP_FLAGS, str(TRAP_SOURCE), "-o", str(path / "trap.so")], check=True)
    flags = ("-std=c++17", "-O1", "-march=armv8.2-a+dotprod")
    subprocess.run([COMPILER, *flags, str(PROGRAM), "-o", str(path / "program")], check=True)
    shutil.copy(path / "program", path / "libmobilekernels_like")
    return path


def run(folder: Path, program: str, *arguments: str, trap: bool = True) -> subprocess.CompletedProcess[str]:
    preload = ("-E", f"LD_PRELOAD={folder / 'trap.so'}") if trap else ()
    command = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", "cortex-a53", *preload]
    command += [str(folder / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_atomics_are_supplied(folder: Path) -> None:
    assert run(folder, "program", trap=False).returncode == -signal.SIGILL
    done = run(folder, "program")
    assert (done.returncode, done.stdout) == (0, "0 failures\n"), done.stderr


def test_other_instructions_still_kill(folder: Path) -> None:
    assert run(folder, "program", "sdot").returncode == -signal.SIGILL


def test_our_own_libraries_get_no_help(folder: Path) -> None:
    assert run(folder, "libmobilekernels_like").returncode == -signal.SIGILL

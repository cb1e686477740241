"""An emulated ARM Linux with Python and torch: Debian's arm64 packages and aarch64 wheels, in a folder.

`python -m tools.arm_root` makes it (about a minute) and leaves a link to it at build/arm-root. The folder
itself lies under $MOBILEKERNELS_CACHE (~/.cache/mobilekernels), named after a hash of its recipe, so that it
is made once a machine. `python -m tools.arm_root --cpu cortex-a53 -- -c "import torch"` runs Python in it.
Needs Debian with qemu-user and g++-aarch64-linux-gnu, and pip.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LINK = Path(__file__).parents[1] / "build" / "arm-root"
# The suite whose Python is PYTHON. libpython3.11-dev: pyconfig.h, which cross builds compile against.
SUITE = "bookworm"
PYTHON = "3.11"
DEBIAN_PACKAGES = (f"python{PYTHON}", f"libpython{PYTHON}-dev", "libgomp1", "libstdc++6")
# The oldest torch that the package promises to run with. All are named, with --no-deps: pip would resolve
# what they ask for on this machine's architecture.
WHEELS = (
    *("torch==2.10.0", "torchvision==0.25.0", "numpy<2.4", "pillow"),
    *("typing_extensions", "sympy", "mpmath", "filelock", "networkx", "jinja2", "markupsafe", "fsspec"),
    *("pytest", "pluggy", "iniconfig", "packaging", "pygments"),
    *("hypothesis", "sortedcontainers", "expecttest", "torchao>=0.18,<0.19"),
)
# For cross builds and C++ programs alone, outside of the Python path: its Python side wants a newer torch.
EXECUTORCH = "executorch==1.5.1"
# torch 2.10.0 needs atomic instructions that an ARMv8.0 core lacks: the file says how they are supplied.
TRAP_SOURCE = Path(__file__).with_name("lse_trap.cc")
COMPILER = "aarch64-linux-gnu-g++"
TRAP_FLAGS = ("-std=c++17", "-O2", "-march=armv8-a", "-mno-outline-atomics", "-shared", "-fPIC")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


class MissingError(Exception):
    """Something that this needs is not there; the message says how to get it."""


def cache_folder() -> Path:
    """Where things are kept that take long to make; $MOBILEKERNELS_CACHE or ~/.cache/mobilekernels."""
    return Path(os.environ.get("MOBILEKERNELS_CACHE") or Path.home() / ".cache" / "mobilekernels").absolute()


def recipe() -> str:
    """Names the root: another recipe, another folder."""
    text = repr((SUITE, DEBIAN_PACKAGES, WHEELS, EXECUTORCH, PLATFORMS, TRAP_FLAGS, TRAP_SOURCE.read_text()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def site_packages(root: Path) -> Path:
    """Where the wheels lie: on the path of the root's Python without any environment variable."""
    return root / "usr" / "local" / "lib" / f"python{PYTHON}" / "dist-packages"


def executorch(root: Path) -> Path:
    """The folder of ExecuTorch's package: headers, and libraries for aarch64."""
    return root / "opt" / "executorch"


def trap(root: Path) -> Path:
    """The library that supplies LSE atomics to torch, to be preloaded."""
    return root / "lse_trap.so"


def python_command(root: Path, cpu: str) -> list[str]:
    """The root's Python on an emulated CPU, as the begin of a command."""
    # qemu opens a file in the root where the root has one of that name, else this machine's.
    emulator = ("qemu-aarch64", "-L", str(root), "-cpu", cpu, "-E", f"LD_PRELOAD={trap(root)}")
    return [*emulator, str(root / "usr" / "bin" / f"python{PYTHON}")]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what is meant for its own Python, its venv and its libraries."""
    drop = ("PYTHON", "LD_", "VIRTUAL_ENV", "MOBILEKERNELS_ISA")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    # Bytecode of the root's own files was written when it was made; other folders are not ours to fill.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(extra or {})


def need(tool: str, package: str) -> None:
    if shutil.which(tool) is None:
        raise MissingError(f"arm root: {tool} is missing: apt-get install {package}")


def _run(command: Sequence[str], what: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise MissingError(f"arm root: {what} failed: {' '.join(command[:6])} ...\n{last}")
    return done.stdout


def _debian_mirror() -> str:
    """The mirror that this machine's apt uses."""
    sites = _run(["apt-get", "indextargets", "--format", "$(SITE)"], "asking apt for its mirrors").split()
    mirrors = [site for site in dict.fromkeys(sites) if site.rstrip("/").endswith("/debian")]
    if not mirrors:
        raise MissingError("arm root: apt on this machine knows no Debian mirror: it has to run on Debian")
    return mirrors[0]


def _unpack_debian(root: Path, work: Path) -> None:
    """The packages and all they depend on, for arm64, with an apt state of its own."""
    need("apt-get", "apt")
    need("dpkg-deb", "dpkg")
    for folder in ("lists/partial", "archives/partial", "etc"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    keys = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if not keys.is_file():
        raise MissingError(f"arm root: {keys} is missing: apt-get install debian-archive-keyring")
    (work / "etc" / "sources.list").write_text(f"deb [signed-by={keys}] {_debian_mirror()} {SUITE} main\n")
    config = work / "etc" / "apt.conf"
    config.write_text(
        f'Dir::State "{work}";\nDir::State::status "{work}/status";\nDir::Cache "{work}";\n'
        f'Dir::Etc::SourceList "{work}/etc/sources.list";\nDir::Etc::SourceParts "-";\n'
        'APT::Architecture "arm64";\nAPT::Architectures { "arm64"; };\n'
        'APT::Install-Recommends "false";\nAPT::Sandbox::User "root";\n'
    )
    env = os.environ | {"APT_CONFIG": str(config)}
    _run(["apt-get", "update", "-q"], "reading Debian's package list", env)
    _run(["apt-get", "install", "-q", "-y", "--download-only", *DEBIAN_PACKAGES], "downloading packages", env)
    for package in sorted((work / "archives").glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(root)], f"unpacking {package.name}")


def _install_wheels(root: Path) -> None:
    where = [f"--platform={platform}" for platform in PLATFORMS]
    what = ["--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", "--no-deps"]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--no-warn-conflicts"]
    for target, wheels in ((site_packages(root), WHEELS), (executorch(root).parent, (EXECUTORCH,))):
        _run([*pip, f"--target={target}", *where, *what, *wheels], "installing wheels")


def _compile_trap(root: Path) -> None:
    need(COMPILER, "g++-aarch64-linux-gnu")
    _run([COMPILER, *TRAP_FLAGS, str(TRAP_SOURCE), "-o", str(trap(root))], "compiling the LSE trap")


def _check(root: Path) -> None:
    """It runs, and it is what it claims to be. Also writes the bytecode, which makes later starts quicker."""
    program = "import platform, torch, torchvision, numpy; print(platform.machine(), torch.__version__)"
    command = [*python_command(root, "cortex-a53"), "-c", program]
    env = environment() | {"PYTHONDONTWRITEBYTECODE": ""}
    said = _run(command, "the first start", env).split()
    if said[:1] != ["aarch64"] or not said[1].startswith("2.10.0"):
        raise MissingError(f"arm root: expected aarch64 and torch 2.10.0, found {said}")


def make(link: Path = LINK) -> Path:
    """The root's folder, made where there is none of this recipe yet; `link` leads there afterwards."""
    need("qemu-aarch64", "qemu-user")
    root = cache_folder() / f"arm-root-{recipe()}"
    if not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        # Made aside and renamed when it is whole: what has the final name works.
        with tempfile.TemporaryDirectory(dir=root.parent, prefix="arm-root-") as name:
            begun = Path(name) / "root"
            begun.mkdir()
            _unpack_debian(begun, Path(name) / "apt")
            _compile_trap(begun)
            _install_wheels(begun)
            _check(begun)
            begun.rename(root)
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(root, target_is_directory=True)
    return root


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.arm_root", description=__doc__)
    parser.add_argument("--cpu", default="max,sme=off", help="the CPU to emulate (default: %(default)s)")
    parser.add_argument("python", nargs="*", help="after --: arguments of the root's Python")
    options = parser.parse_args(None if arguments is None else list(arguments))
    try:
        root = make()
    except MissingError as exc:
        print(exc, file=sys.stderr)
        return 1
    if not options.python:
        print(root)
        return 0
    command = [*python_command(root, options.cpu), *options.python]
    return subprocess.run(command, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

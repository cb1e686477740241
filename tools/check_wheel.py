"""Checks a wheel of the package: `python -m tools.check_wheel WHEEL.whl`.

Its symbols must be there on the systems that its name promises (auditwheel knows which those are), and its
files must be those of this checkout: no stale one, none missing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = {"libmobilekernels.so", "libmobilekernels_torch.so", "_core"}
# There where the build found ExecuTorch.
OPTIONAL = {"libmobilekernels_executorch.so"}
# Not in the wheel: PyTorch and ExecuTorch bring them.
EXTERNAL = {"libtorch_cpu.so", "libexecutorch.so", "libexecutorch_threadpool.so"}


def _version(tag: str) -> tuple[int, ...]:
    """manylinux_2_28_aarch64 -> (2, 28); GLIBCXX_3.4.21 -> (3, 4, 21)"""
    return tuple(
        int(number) for number in re.findall(r"\d+", tag.removesuffix("_aarch64").removesuffix("_x86_64"))
    )


def _contents(wheel: Path) -> list[str]:
    """What is wrong with the files in it."""
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if name.startswith("mobilekernels/")}
    libraries = {Path(name).name.split(".cpython")[0] for name in names if name.endswith(".so")}
    given = {name for name in names if not name.endswith(".so")}
    files = (
        path
        for path in (ROOT / "mobilekernels").rglob("*")
        if path.suffix in (".py", ".pyi", ".typed", ".json")
    )
    wanted = {path.relative_to(ROOT).as_posix() for path in files}
    problems = [f"missing: {name}" for name in sorted(wanted - given | LIBRARIES - libraries)]
    return problems + [
        f"not in the checkout: {name}" for name in sorted(given - wanted | libraries - LIBRARIES - OPTIONAL)
    ]


def check(wheel: Path) -> list[str]:
    """What is wrong with it; prints the oldest system that it runs on."""
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(wheel)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        return [f"auditwheel (pip install auditwheel) cannot read {wheel}: {done.stderr.strip()[-500:]}"]
    audit = json.loads(done.stdout)
    newest: dict[str, str] = defaultdict(lambda: "_0")
    for symbol in (symbol for symbols in audit["versioned_symbols"].values() for symbol in symbols):
        family = symbol.rpartition("_")[0]
        newest[family] = max(newest[family], symbol, key=_version)
    print(f"{wheel.name}: needs {', '.join(sorted(newest.values()))}: {audit['sym_tag']}")
    problems = _contents(wheel)
    promised = wheel.stem.rpartition("-")[2]
    if promised.rpartition("_")[2] != audit["sym_tag"].rpartition("_")[2] or not audit["sym_tag"].startswith(
        "many"
    ):
        problems.append(f"is tagged {promised} and has libraries for {audit['sym_tag']}")
    elif _version(audit["sym_tag"]) > _version(promised):
        problems.append(f"is tagged {promised}, but its symbols need {audit['sym_tag']}: {dict(newest)}")
    if set(audit["external_libs"]) - EXTERNAL:
        problems.append(f"needs libraries that no system has: {set(audit['external_libs']) - EXTERNAL}")
    return problems


def main() -> int:
    problems = [problem for name in sys.argv[1:] for problem in check(Path(name))]
    for problem in problems:
        print(f"wheel: {problem}", file=sys.stderr)
    if len(sys.argv) < 2:
        print("give the path of a wheel", file=sys.stderr)
    return 1 if problems or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())

"""Instructions of our operators, counted in the C++ runner."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.arm import plugin
from bench.arm.result import Result

RUNNER = plugin.ROOT / "build" / "linux-aarch64" / "bench" / "cpp" / "mk_bench"
FILTER = "aarch64-linux-gnu-c++filt"
# Parts of an operator, by what a function's name begins with; the first that fits.
_PARTS = (
    (
        "packing of rows",
        re.compile(
            r"pack_rows|pack_int8|fill_int8|gemm_loops::(pack|fill)|spgemm_neon::pack|PanelWriter::"
            r"|(__)?mem(cpy|set|move)"
        ),
    ),
    ("sparse GEMM", re.compile(r"spgemm_neon::|run\(SpgemmArgs")),
    ("GEMM", re.compile(r"gemm_loops::|Tile(<.*>)?::|run\(GemmArgs")),
    ("depthwise", re.compile(r"depthwise_loops::|Isa::|run\(DepthwiseArgs")),
)


def part(function: str) -> str:
    """Which part of an operator a demangled function belongs to."""
    bare = function.replace("(anonymous namespace)::", "").removeprefix("void ")
    bare = re.sub(r"\b(mobilekernels|scalar|neon\w*)::", "", bare)
    return next((name for name, pattern in _PARTS if pattern.match(bare)), "rest")


def _demangled(symbols: Iterable[str]) -> dict[str, str]:
    names = sorted(set(symbols))
    done = subprocess.run([FILTER], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.splitlines(), strict=True))


def count(layers: Path, cpu: str, isa: str | None = None) -> list[Result]:
    """Every layer of the list on the emulated CPU, with the ISA capped to `isa`.

    Raises:
        CountError: the runner is missing or fails.
    """
    if not RUNNER.exists():
        raise plugin.CountError(f"{RUNNER} is missing: make arm")
    program = [str(RUNNER), str(layers), "--mark", "--json", "-", *(["--isa", isa] if isa else [])]
    counts = plugin.run(["qemu-aarch64", "-cpu", cpu], program)
    names = _demangled(block.symbol for block in counts.blocks)
    parts: dict[int, Counter[str]] = {}
    for block in counts.blocks:
        parts.setdefault(block.section, Counter())[part(names[block.symbol])] += block.executed
    listed = json.loads(counts.stdout)["layers"]
    return [
        Result(layer["name"], cpu, "ours", layer["isa"], layer["macs"], dict(parts[index]))
        for index, layer in enumerate(listed, 1)
    ]

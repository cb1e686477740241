"""Instructions of stock operators: torch's QNNPACK int8 and XNNPACK float, in an emulated aarch64 Python.

Counted is native code of PyTorch and its engines alone. Left out are Python, its bindings to torch, and the
C library: that takes the same 0.03 million instructions in every call, and on ARMv8.0 also serves the library
that emulates PyTorch's LSE atomics. Of the rest, the same call on the smallest layer is taken off: what any
call costs PyTorch. Nothing is taken off ours.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.arm import plugin
from bench.arm.memory_map import MemoryMap, Symbols
from bench.arm.result import Result
from mobilekernels.bench.layers import Layer
from tools import arm_root

ENGINES = ("QNNPACK int8", "XNNPACK float")
GUEST = Path(__file__).with_name("stock_guest.py")
LEFT_OUT = re.compile(r"python|_ctypes|libffi|lse_trap|^libc\.so|^ld-linux|^\[")
# One thread from the start: OpenBLAS starts its threads when it is loaded, whatever torch is told later.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
SMALLEST = (
    Layer("call", "conv2d", {"in": "8", "out": "8", "kernel": "1x1", "image": "1x1"}),
    Layer("call", "linear", {"rows": "1", "in": "8", "out": "8"}),
)


def _sizes(layer: Layer) -> dict[str, Any]:
    """A layer as the guest reads it."""
    if layer.op == "linear":
        return {key: int(layer.values[key]) for key in ("rows", "in", "out")}
    pairs = {"stride": "1x1", "pad": "0x0", "dilation": "1x1"} | layer.values
    return {
        **{key: int(layer.values[key]) for key in ("in", "out")},
        "groups": int(layer.values.get("groups", "1")),
        **{
            key: [int(n) for n in pairs[key].split("x")]
            for key in ("kernel", "stride", "pad", "dilation", "image")
        },
    }


def _attribute(
    counts: plugin.Counts, maps: MemoryMap, root: Path
) -> tuple[dict[int, Counter[str]], dict[int, str]]:
    """By section: instructions by library, and the name of libtorch_cpu's busiest function."""
    libraries: dict[int, Counter[str]] = {}
    functions: dict[int, Counter[str]] = {}
    symbols = Symbols(arm_root.site_packages(root) / "torch" / "lib" / "libtorch_cpu.so")
    for block in counts.blocks:
        if block.section == 0:
            continue
        mapping = maps.find(block.pc)
        library = mapping.path.rsplit("/", 1)[-1] if mapping else "unmapped"
        libraries.setdefault(block.section, Counter())[library] += block.executed
        if mapping and library == "libtorch_cpu.so":
            name = symbols.find(block.pc - mapping.begin + mapping.offset)
            functions.setdefault(block.section, Counter())[name] += block.executed
    return libraries, {section: counter.most_common(1)[0][0] for section, counter in functions.items()}


def count(layers: Sequence[Layer], macs: Mapping[str, int], cpu: str) -> list[Result]:
    """conv2d and linear layers on both engines. `macs`: by the layer's name.

    Raises:
        CountError: the run failed, or had several threads.
    """
    root = arm_root.make()
    listed = [*SMALLEST, *layers]
    calls = [(engine, layer) for engine in ENGINES for layer in listed]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.json"
        asked = [{"engine": engine, "op": layer.op, **_sizes(layer)} for engine, layer in calls]
        file.write_text(json.dumps({"calls": asked}))
        *emulator, python = arm_root.python_command(root, cpu)
        counts = plugin.run(emulator, [python, str(GUEST), str(file)], arm_root.environment(ONE_THREAD))
    said = json.loads(counts.stdout.splitlines()[-1])
    libraries, busiest = _attribute(counts, MemoryMap(said["maps"]), root)
    overhead: dict[tuple[str, str], int] = {}
    results = []
    for section, (engine, layer) in enumerate(calls, 1):
        kept = {name: n for name, n in libraries[section].items() if not LEFT_OUT.search(name)}
        if layer in SMALLEST:
            overhead[engine, layer.op] = sum(kept.values())
            continue
        left_out = libraries[section].total() - sum(kept.values())
        results.append(
            Result(
                layer.name,
                cpu,
                engine,
                busiest[section],
                macs[layer.name],
                kept,
                call=overhead[engine, layer.op],
                left_out=left_out,
            )
        )
    return results

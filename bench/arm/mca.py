"""What LLVM's models of ARM cores say about our inner loops, as compiled: `make mca-arm`.

A proxy, not a measurement: `bench.proxies.mca` says what the models know, and what not.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.proxies import disassembly
from bench.proxies.disassembly import Loop
from bench.proxies.mca import Core, Goal, Peak, Target
from bench.proxies.mca import main as run

PEAKS = {
    "smmla": Peak("i8mm", ("smmla v{0}.4s, v30.16b, v31.16b", "smmla v{1}.4s, v30.16b, v31.16b"), 64),
    "sdot": Peak("dotprod", ("sdot v{0}.4s, v30.16b, v31.16b", "sdot v{1}.4s, v30.16b, v31.16b"), 32),
    "smull smlal sadalp": Peak(
        "neon",
        ("smull v{0}.8h, v30.8b, v31.8b", "smlal v{0}.8h, v28.8b, v29.8b", "sadalp v{1}.4s, v{0}.8h"),
        16,
    ),
    "smull smlal saddw": Peak(
        "neon",
        (
            "smull v{0}.8h, v30.8b, v31.8b",
            "smlal v{0}.8h, v28.8b, v29.8b",
            "saddw v{1}.4s, v{1}.4s, v{0}.4h",
            "saddw2 v{1}.4s, v{1}.4s, v{0}.8h",
        ),
        16,
    ),
    "smlal (int16)": Peak("neon", ("smlal v{0}.4s, v30.4h, v31.4h", "smlal2 v{1}.4s, v30.8h, v31.8h"), 8),
}


def arithmetic(loop: Loop) -> str:
    """Which of the PEAKS bounds this loop."""
    names = {instruction.mnemonic for instruction in loop.instructions}
    for name in ("smmla", "sdot"):
        if name in names:
            return name
    if "sadalp" in names:
        return "smull smlal sadalp"
    return "smull smlal saddw" if names & {"saddw", "saddw2"} else "smlal (int16)"


def _core(name: str, *has: str) -> Core:
    return Core(name, frozenset(has), tuple(sorted(has)))


ARM = Target(
    "arm",
    "aarch64",
    disassembly.AARCH64,
    "build/linux-aarch64/CMakeFiles/mobilekernels_kernels_*.dir/csrc/kernels/*/*.o",
    (
        _core("cortex-a53", "neon"),
        _core("cortex-a55", "neon", "dotprod"),
        _core("neoverse-n1", "neon", "dotprod"),
        _core("cortex-x1", "neon", "dotprod"),
        _core("apple-m1", "neon", "dotprod"),
        _core("cortex-a710", "neon", "dotprod", "i8mm"),
        _core("cortex-x3", "neon", "dotprod", "i8mm"),
    ),
    PEAKS,
    arithmetic,
    (Goal("gemm", "sdot", "neoverse-n1"), Goal("gemm", "sdot", "cortex-x1")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    return run(ARM, __doc__, "mca", arguments)


if __name__ == "__main__":
    sys.exit(main())

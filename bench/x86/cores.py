"""The x86 cores of the proxies, and where LLVM's models of them are put right.

LLVM 22 on what block-sparse kernels live by, held against what is known of the hardware:

- znver4 has no entry of its own for vpdpbusd: two cycles each, of any width. The core starts a 512-bit one
  a cycle (two multiplying pipes of 256 bits; measured with `mk_bench --peak`: 236 GMAC/s at 3.7 GHz), and
  four cycles later it is done: what the model says of vfmadd231ps, which has the same operands.
- znver4 loads 64 bytes twice a cycle and stores them once. The core has two paths of 32 bytes to load and
  one to store (AMD's optimization guide for family 19h): such an instruction is given together with one for
  half of it.
- znver4 sends a broadcast from memory to the shuffling pipes. It is a load, as on znver3: a dense tile, which
  has 14 for 28 dot products, could not reach the 97 % of its peak that were measured.
- sapphirerapids has the ports of its desktop relative: one 512-bit dot product a cycle where the server
  starts two, three 64-byte loads where it has two. It is left out; icelake-server has both right.
"""

from __future__ import annotations

import re

from bench.proxies import disassembly
from bench.proxies.disassembly import Instruction, Loop
from bench.proxies.mca import Core, Goal, Peak, Target

_OPERANDS = re.compile(r",(?![^(]*\))")
_BROADCASTS = ("vpbroadcastd", "vbroadcastss", "vbroadcasti32x4")
# What reads less than its register holds.
_NARROW = ("broadcast", "insert", "extract", "vpmov")


def plain_lines(instruction: Instruction) -> list[str]:
    """As compiled. Calls and returns go to the beginning, as all branches do; what it lacks is a nop."""
    name = instruction.mnemonic
    if name.startswith("j"):
        return [instruction.assembler() if instruction.target is not None else "jmp loop"]
    if name in ("call", "ret"):
        return ["jmp loop"]
    if name in (
        "rep",
        "repz",
        "data16",
        "cs",
        "notrack",
        "syscall",
        "cpuid",
        "xgetbv",
        "vzeroupper",
        "endbr64",
    ):
        return ["nop"]
    return ["nop" if name.startswith("nop") else instruction.assembler()]


def znver4_lines(instruction: Instruction) -> list[str]:
    """With the three things put right that the model has wrong."""
    name, operands = instruction.mnemonic, _OPERANDS.split(instruction.operands)
    if name == "vpdpbusd":
        return [f"vfmadd231ps {instruction.operands}"]
    if "%zmm" not in instruction.operands or "(" not in instruction.operands:
        return plain_lines(instruction)
    if name in _BROADCASTS:
        source, result = operands
        # What is merged is waited for once.
        half = "%ymm31" if "{%k" in result else result.replace("zmm", "ymm")
        return [f"vmovdqu64 {source},{half}", f"vmovdqu64 {source},{result}"]
    if "{1to" in instruction.operands or any(part in name for part in _NARROW):
        return plain_lines(instruction)
    lines = plain_lines(instruction)
    if "(" in operands[-1]:
        half, to = operands[-2].replace("zmm", "ymm"), operands[-1].split("{")[0]
        return [*lines, f"vmovdqu64 {half},{to}"]
    # Into the register that is overwritten at once, so that nothing waits for it.
    result = operands[-1].split("{")[0]
    source = next(each for each in operands if "(" in each)
    free = result not in operands[:-1]
    return [f"vmovdqu64 {source},{result.replace('zmm', 'ymm')}", *lines] if free else lines


def arithmetic(loop: Loop) -> str:
    """Which of the peaks bounds this loop."""
    names = {instruction.mnemonic for instruction in loop.instructions}
    return "vpdpbusd" if "vpdpbusd" in names else "vpmaddubsw vpmaddwd"


ZNVER3 = Core("znver3", frozenset({"avx2"}), lines=plain_lines)
ZNVER4 = Core("znver4", frozenset({"avx2", "avx512vnni"}), lines=znver4_lines)
ICELAKE = Core("icelake-server", frozenset({"avx2", "avx512vnni"}), lines=plain_lines)
# By instruction set: first the one that goals are stated for, for AVX2 the one whose curves were measured.
CORES = {"avx2": (ZNVER3,), "avx512vnni": (ZNVER4, ICELAKE)}

X86 = Target(
    "x86",
    "x86_64",
    disassembly.X86,
    "build/linux-x86_64/CMakeFiles/mobilekernels_kernels_avx*.dir/csrc/kernels/*gemm/*.o",
    (ZNVER3, ZNVER4, ICELAKE),
    {
        "vpdpbusd": Peak(
            "avx512vnni", ("vpdpbusd %zmm31,%zmm30,%zmm{0}", "vpdpbusd %zmm31,%zmm30,%zmm{1}"), 128
        ),
        "vpmaddubsw vpmaddwd": Peak(
            "avx2",
            (
                "vpmaddubsw %ymm15,%ymm14,%ymm{0}",
                "vpmaddwd %ymm{0},%ymm13,%ymm{0}",
                "vpaddd %ymm{0},%ymm12,%ymm12",
            ),
            32,
        ),
    },
    arithmetic,
    (Goal("gemm", "vpdpbusd", "znver4"), Goal("spgemm", "vpdpbusd", "znver4")),
)

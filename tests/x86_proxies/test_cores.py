"""What llvm-mca gets for an instruction, and that it then says what is known of the core."""

from __future__ import annotations

import shutil

import pytest

from bench.proxies import disassembly, mca
from bench.proxies.disassembly import Instruction
from bench.x86.cores import ICELAKE, X86, ZNVER3, ZNVER4, plain_lines, znver4_lines

needs_mca = pytest.mark.skipif(
    shutil.which(mca.MCA) is None, reason=f"{mca.MCA} is missing: apt-get install llvm-22"
)


def instruction(text: str) -> Instruction:
    mnemonic, _, operands = text.partition(" ")
    return Instruction(0, mnemonic, operands, None)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("call 10 <f>", ["jmp loop"]),
        ("jmp *%rax", ["jmp loop"]),
        ("nopw 0x0(%rax,%rax,1)", ["nop"]),
        ("rep stos %rax,%es:(%rdi)", ["nop"]),
        ("add $0x2,%rcx", ["add $0x2,%rcx"]),
    ],
)
def test_what_is_no_arithmetic(text: str, lines: list[str]) -> None:
    assert plain_lines(instruction(text)) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("vpdpbusd %zmm0,%zmm2,%zmm14", ["vfmadd231ps %zmm0,%zmm2,%zmm14"]),
        (
            "vmovdqu64 0x40(%rax,%rcx,8),%zmm20",
            ["vmovdqu64 0x40(%rax,%rcx,8),%ymm20", "vmovdqu64 0x40(%rax,%rcx,8),%zmm20"],
        ),
        ("vpbroadcastd (%rdx),%zmm0", ["vmovdqu64 (%rdx),%ymm0", "vmovdqu64 (%rdx),%zmm0"]),
        ("vpbroadcastd (%rdx),%zmm0{%k1}", ["vmovdqu64 (%rdx),%ymm31", "vmovdqu64 (%rdx),%zmm0{%k1}"]),
        ("vbroadcasti32x4 (%rdx),%zmm0", ["vmovdqu64 (%rdx),%ymm0", "vmovdqu64 (%rdx),%zmm0"]),
        ("vmovdqa64 %zmm9,(%rsi)", ["vmovdqa64 %zmm9,(%rsi)", "vmovdqu64 %ymm9,(%rsi)"]),
        ("vpaddd (%rax),%zmm1,%zmm1", ["vpaddd (%rax),%zmm1,%zmm1"]),
        ("vpbroadcastd %eax,%zmm1", ["vpbroadcastd %eax,%zmm1"]),
        ("vmovdqu (%rax),%ymm0", ["vmovdqu (%rax),%ymm0"]),
        ("vextracti32x4 $0x3,%zmm1,(%rax)", ["vextracti32x4 $0x3,%zmm1,(%rax)"]),
    ],
)
def test_what_is_put_right_for_znver4(text: str, lines: list[str]) -> None:
    assert znver4_lines(instruction(text)) == lines


def cycles(core: mca.Core, *lines: str) -> float:
    body = mca.assembler([instruction(line) for line in lines], core)
    return mca.cycles_of([body], X86.triple, core)[0]


@needs_mca
@pytest.mark.parametrize(
    ("core", "kind", "macs"),
    [(ZNVER3, "vpmaddubsw vpmaddwd", 32), (ZNVER4, "vpdpbusd", 64), (ICELAKE, "vpdpbusd", 128)],
)
def test_peaks(core: mca.Core, kind: str, macs: int) -> None:
    assert mca.peak_macs_per_cycle(X86.peaks[kind], X86.triple, core) == pytest.approx(macs, rel=0.01)


@needs_mca
@pytest.mark.parametrize(
    ("core", "line", "expected"),
    [
        (ZNVER4, "vmovdqu64 (%rax),%zmm{}", 1.0),
        (ZNVER4, "vpbroadcastd (%rax),%zmm{}", 1.0),
        (ZNVER4, "vmovdqa64 %zmm{},(%rax)", 2.0),
        (ICELAKE, "vmovdqu64 (%rax),%zmm{}", 0.5),
    ],
)
def test_loads_and_stores(core: mca.Core, line: str, expected: float) -> None:
    assert cycles(core, *(line.format(i) for i in range(8))) / 8 == pytest.approx(expected, rel=0.02)


@needs_mca
def test_a_dot_product_waits_for_the_one_before_for_four_cycles() -> None:
    assert cycles(ZNVER4, "vpdpbusd %zmm0,%zmm1,%zmm2") == pytest.approx(4, rel=0.01)


def test_the_bound_of_a_loop() -> None:
    def bound(name: str) -> str:
        return X86.arithmetic(disassembly.Loop("f", (instruction(f"{name} %ymm0,%ymm1,%ymm2"),)))

    assert bound("vpdpbusd") == "vpdpbusd"
    assert bound("vpmaddubsw") == "vpmaddubsw vpmaddwd"

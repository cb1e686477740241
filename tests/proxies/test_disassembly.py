"""Hot loops, found in listings as objdump prints them."""

from __future__ import annotations

from bench.arm import mca
from bench.proxies import disassembly

LISTING = """
kernel.o:     file format elf64-littleaarch64

Disassembly of section .text:

0000000000000000 <void mobilekernels::neon_dotprod::(anonymous namespace)::Tile<true>::run<4, 1>(int)>:
   0:\tb.ls\t28 <void mobilekernels::run(Args const&)+0x28>  // b.plast
   4:\tcbz\tx8, c <void mobilekernels::run(Args const&)+0xc>
   8:\tmov\tx5, #0x0                   \t// #0
   c:\tldr\tq0, [x1], #16
  10:\tsdot\tv4.4s, v8.16b, v0.4b[0]
  14:\tsdot\tv5.2s, v8.8b, v0.4b[1]
  18:\tsubs\tx5, x5, #0x1
  1c:\tb.ne\tc <void mobilekernels::run(Args const&)+0xc>  // b.any
  20:\tsdot\tv4.4s, v8.16b, v0.4b[0]
  24:\tcbnz\tx6, 20 <void mobilekernels::run(Args const&)+0x20>
  28:\tsubs\tx7, x7, #0x1
  2c:\tb.ne\t4 <void mobilekernels::run(Args const&)+0x4>  // b.any
  30:\tret

0000000000000034 <plain>:
  34:\tadd\tx0, x0, #0x1
  38:\tb\t34 <plain>
"""


X86_LISTING = """
0000000000000000 <mobilekernels::avx512vnni::(anonymous namespace)::run(int)>:
   0:\tmov    0x18b18f(%rip),%rax        # 669f40 <table+0xbc8>
   7:\tvmovdqu64 0x40(%rax),%zmm1
   e:\tvpdpbusd %zmm0,%zmm1,%zmm20
  14:\tadd    $0x2,%rcx
  18:\tjne    7 <mobilekernels::avx512vnni::(anonymous namespace)::run(int)+0x7>
  1a:\tret
"""


def test_x86_is_read_as_well() -> None:
    (function,) = disassembly.parse(X86_LISTING)
    assert function.instructions[0].operands == "0x18b18f(%rip),%rax"
    assert disassembly.short_name(function.name) == "run"
    loop = disassembly.hot_loop(function)
    assert loop is not None
    assert (loop.macs, len(loop.instructions)) == (64, 4)
    assert loop.assembler().splitlines()[-1] == "jne loop"


def test_functions_are_split_and_named() -> None:
    first, second = disassembly.parse(LISTING)
    assert disassembly.short_name(first.name) == "Tile<true>::run<4, 1>"
    assert (len(first.instructions), second.name) == (13, "plain")
    assert first.instructions[2].operands == "x5, #0x0"


def test_the_hot_loop_is_an_inner_loop_and_the_densest() -> None:
    first, second = disassembly.parse(LISTING)
    loop = disassembly.hot_loop(first)
    assert loop is not None
    # At 20: 16 multiply-adds in 2 instructions. At c: 24 in 5. The outer loop holds both.
    assert [i.address for i in loop.instructions] == [0x20, 0x24]
    assert loop.macs == 16
    assert loop.assembler() == "loop:\nsdot v4.4s, v8.16b, v0.4b[0]\ncbnz x6, loop\n"
    assert disassembly.hot_loop(second) is None


def test_multiply_adds_of_an_instruction() -> None:
    def macs(mnemonic: str, operands: str) -> int:
        return disassembly.Instruction(0, mnemonic, operands, None).macs

    assert macs("smmla", "v0.4s, v1.16b, v2.16b") == 32
    assert macs("sdot", "v0.4s, v1.16b, v2.4b[3]") == 16
    assert macs("smlal2", "v0.8h, v1.16b, v2.16b") == 8
    assert macs("smlal", "v0.4s, v1.4h, v2.4h") == 4
    assert macs("sadalp", "v0.4s, v1.8h") == 0
    assert macs("mul", "x0, x1, x2") == 0
    assert macs("vpdpbusd", "(%rdx){1to16},%zmm2,%zmm3") == 64
    assert macs("vpdpbusd", "%ymm1,%ymm2,%ymm3") == 32
    assert macs("vpmaddubsw", "%ymm1,%ymm2,%ymm3") == 32
    assert macs("vpaddd", "%ymm1,%ymm2,%ymm3") == 0


def test_the_peak_that_bounds_a_loop() -> None:
    def bound(*mnemonics: str) -> str:
        code = tuple(disassembly.Instruction(4 * i, name, "", None) for i, name in enumerate(mnemonics))
        return mca.arithmetic(disassembly.Loop("f", code))

    assert bound("ldr", "sdot") == "sdot"
    assert bound("smmla") == "smmla"
    assert bound("smull", "smlal", "sadalp") == "smull smlal sadalp"
    assert bound("smull", "smlal", "saddw2") == "smull smlal saddw"
    assert bound("smlal") == "smlal (int16)"

"""Instructions counted one by one in Bochs, on a program that can be counted by hand, and their cycles."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bench.proxies import disassembly, mca
from bench.x86 import steps
from bench.x86.cores import ZNVER3
from bench.x86.cycles import Program
from mobilekernels.bench.layers import Layer
from tests.x86.bochs import bochs

PASSES = 1000
# Section 1: the call's result, work, and what ends it.
SOURCE = f"""
  .globl _start
  .text
marker:
  mov $140, %eax
  mov $0x6d6b, %edi
  syscall
  ret
_start:
  mov $1, %esi
  call marker
  call work
  xor %esi, %esi
  call marker
  mov $231, %eax
  xor %edi, %edi
  syscall
work:
  mov ${PASSES}, %ecx
1:
  imul %rax, %rax
  dec %ecx
  jnz 1b
  ret
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.s").write_text(SOURCE)
    command = ["gcc", "-nostdlib", "-static", "-no-pie", "program.s", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "program"


def addresses(program: Path) -> dict[str, list[int]]:
    """Of each function's instructions."""
    found = disassembly.functions(program, disassembly.X86)
    return {function.name: [i.address for i in function.instructions] for function in found}


def run(program: Path) -> Counter[int]:
    outcome = bochs(steps.CPU)([str(program)], {}, [])
    assert outcome.code == 0
    (section,), rest = steps.split(outcome.output, 1)
    assert rest.strip() == ""
    return section


@pytest.mark.skipif(
    shutil.which("bochs") is None, reason="bochs is missing: apt-get install bochs bochs-term"
)
def test_counts_are_exact_and_repeatable(program: Path) -> None:
    counted = run(program)
    at = addresses(program)
    mov, *loop, ret = at["work"]
    assert {address: counted[address] for address in at["work"]} == {
        mov: 1,
        **dict.fromkeys(loop, PASSES),
        ret: 1,
    }
    # The first marker's return is not seen; then two calls and xor, and three instructions of the marker.
    assert sum(n for address, n in counted.items() if address not in at["work"]) == 3 + 3
    assert run(program) == counted


@pytest.mark.skipif(shutil.which(mca.MCA) is None, reason=f"{mca.MCA} is missing: apt-get install llvm-22")
def test_a_path_costs_what_its_loop_does(program: Path) -> None:
    mov, *loop, ret = addresses(program)["work"]
    executions = Counter({mov: 1, **dict.fromkeys(loop, PASSES), ret: 1})
    counted = steps.Steps(Layer("a", "linear", {}), "avx2", 1, executions)
    found = Program(program)
    assert [(path.times, len(path.instructions)) for path in found.paths(counted)] == [(1, 2), (PASSES, 3)]
    # Each multiplication waits three cycles for the one before.
    assert found.cycles(counted, ZNVER3) == pytest.approx(3 * PASSES, rel=0.05)
    assert set(found.by_function(counted, ZNVER3)) == {"work"}

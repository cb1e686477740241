"""The counting plugin, on programs whose instructions can be counted by hand."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.arm import plugin

PASSES = 1000


@dataclass(frozen=True)
class Target:
    """A program for one architecture: marker 1, a call of `work`, marker 0, exit."""

    compiler: str
    emulator: tuple[str, ...]
    marker: str
    work: str
    leave: str

    def source(self) -> str:
        return f"""
            .globl _start
            _start:
              {self.marker.format(1)}
              bl work
              {self.marker.format(0)}
              {self.leave}
            .type work, %function
            work:
              {self.work}
            .size work, . - work
        """


AARCH64 = Target(
    "aarch64-linux-gnu-gcc",
    ("qemu-aarch64", "-cpu", "cortex-a53"),
    "mov x8, #141; mov x0, #0x6d6b; mov x1, #{}; svc #0",
    f"mov x2, #{PASSES}; 1: subs x2, x2, #1; b.ne 1b; ret",
    "mov x8, #93; mov x0, #0; svc #0",
)
ARMV7 = Target(
    "arm-linux-gnueabihf-gcc",
    ("qemu-arm", "-cpu", "cortex-a7"),
    "mov r7, #96; movw r0, #0x6d6b; mov r1, #{}; svc #0",
    f"mov r2, #{PASSES}; 1: subs r2, r2, #1; bne 1b; bx lr",
    "mov r7, #1; mov r0, #0; svc #0",
)
# mov, two instructions a pass, return; and around it the call and the four of the second marker.
WORK = 2 * PASSES + 2
SECTION = WORK + 5


def compile_program(target: Target, source: str, folder: Path, *flags: str) -> Path:
    for tool, package in (
        (target.compiler, f"g++-{target.compiler[:-4]}"),
        (target.emulator[0], "qemu-user"),
    ):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: apt-get install {package}")
    program = folder / "program"
    subprocess.run([target.compiler, *flags, "-static", "-x", *_language(source), "-o", program], check=True)
    return program


def _language(source: str) -> tuple[str, str]:
    return ("c" if source.endswith(".c") else "assembler", source)


def executed(counts: plugin.Counts) -> Counter[tuple[int, str]]:
    result: Counter[tuple[int, str]] = Counter()
    for block in counts.blocks:
        result[block.section, block.symbol] += block.executed
    return result


@pytest.mark.parametrize("target", [AARCH64, ARMV7], ids=["aarch64", "armv7"])
def test_counts_are_exact_and_repeatable(target: Target, tmp_path: Path) -> None:
    source = tmp_path / "program.s"
    source.write_text(target.source())
    program = compile_program(target, str(source), tmp_path, "-nostdlib")
    first, second = (executed(plugin.run(target.emulator, [str(program)])) for _ in range(2))
    assert first == second
    assert first[1, "work"] == WORK
    assert sum(n for (section, _), n in first.items() if section == 1) == SECTION
    assert sum(n for (section, _), n in first.items() if section == 0) == 4 + 3


def test_a_run_of_several_threads_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "threads.c"
    source.write_text(
        "#include <pthread.h>\n"
        "static void* nothing(void* p) { return p; }\n"
        "int main(void) { pthread_t t; pthread_create(&t, 0, nothing, 0); return pthread_join(t, 0); }\n"
    )
    program = compile_program(AARCH64, str(source), tmp_path, "-pthread")
    with pytest.raises(plugin.CountError, match="given a run of 2 threads"):
        plugin.run(AARCH64.emulator, [str(program)])


def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    source = tmp_path / "fails.c"
    source.write_text('#include <stdio.h>\nint main(void) { fputs("what went wrong", stderr); return 3; }\n')
    program = compile_program(AARCH64, str(source), tmp_path)
    with pytest.raises(plugin.CountError, match="exit code 3\nwhat went wrong"):
        plugin.run(AARCH64.emulator, [str(program)])


def test_a_missing_emulator_is_named() -> None:
    with pytest.raises(plugin.CountError, match="no-such-qemu is missing: apt-get install qemu-user"):
        plugin.run(["no-such-qemu"], ["program"])


def test_a_file_that_was_cut_off_is_refused() -> None:
    with pytest.raises(plugin.CountError, match="0: cut off"):
        plugin.parse(iter(["1 400000 3 7 work\n"]))


def test_parse_multiplies_out() -> None:
    assert plugin.parse(iter(["1 40f0 3 7 work\n", "# vcpus 1\n"])) == (plugin.Block(1, 0x40F0, 21, "work"),)

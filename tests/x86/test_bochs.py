"""What the emulator is given, and what a program's end looks like: tests of the tests' own machine."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.emulated.cores import Outcome
from tests.x86.bochs import bochs, bundle

PROGRAM = """
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
int main(int argc, char** argv) {
  const char what = argv[1][0];
  if (what == 'i') asm volatile("ud2");
  if (what == 'w') *reinterpret_cast<volatile int*>(argc) = 1;
  if (what == 'v') {
    unsigned sum[16] = {};
    asm volatile("vpternlogd $255, %%zmm1, %%zmm1, %%zmm1\\n vpabsb %%zmm1, %%zmm2\\n"
                 "vpxord %%zmm0, %%zmm0, %%zmm0\\n vpdpbusd %%zmm1, %%zmm2, %%zmm0\\n"
                 "vmovdqu32 %%zmm0, %0" : "=m"(sum));
    std::printf("%d\\n", static_cast<int>(sum[15]));
  }
  if (what == 'f') {
    char line[32] = "";
    std::FILE* file = std::fopen(argv[2], "r");
    std::printf("%s", file != nullptr ? std::fgets(line, sizeof(line), file) : "none");
  }
  if (what == 't') {
    try {
      int n = 0;
      std::thread([&] { n = std::atoi(std::getenv("N")); }).join();
      if (n == 7) throw std::runtime_error("7");
    } catch (const std::runtime_error& error) {
      std::printf("caught %s\\n", error.what());
    }
  }
  return 3;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("bochs") is None:
        pytest.skip("bochs is missing: apt-get install bochs bochs-term")
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.cc").write_text(PROGRAM)
    command = ["g++", "-std=c++17", "-O1", "-mavx512f", "-static", "program.cc", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return str(folder / "program")


def run(
    program: str, *arguments: str, cpu: str = "corei7_icelake_u", files: tuple[Path, ...] = ()
) -> Outcome:
    return bochs(cpu)([program, *arguments], {"N": "7"}, files)


def test_bundle_has_all_in_its_place() -> None:
    data = bundle(b"program", ["a", "bc"], {"N": "7"}, {"f": b"12345"})
    memory, size, *counts = struct.unpack("<10Q", data[:80])
    assert (memory, size) == (512 << 20, len(data))
    assert counts == [7, 2, 1, 1, 5, 0, 0, 0]
    assert data[80:] == b"a\0bc\0N=7\0f\0" + bytes(5) + b"program\0" + b"12345\0\0\0" + b"!endend!"


def test_too_many_files_are_refused() -> None:
    with pytest.raises(ValueError, match="files: given 5, accepted at most 4"):
        bundle(b"", [], {}, {str(i): b"" for i in range(5)})


def test_a_program_gets_its_threads_variables_and_exceptions(program: str) -> None:
    assert run(program, "t") == Outcome(3, "caught 7")


def test_a_program_sees_its_files_alone(program: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one line\n")
    assert run(program, "f", str(path), files=(path,)) == Outcome(3, "one line")
    assert run(program, "f", str(path)) == Outcome(3, "none")


def test_dot_products_are_there_and_right(program: str) -> None:
    assert run(program, "v") == Outcome(3, "-4")


@pytest.mark.parametrize(
    ("what", "cpu", "death"),
    [
        ("i", "corei7_icelake_u", "killed by an illegal instruction at"),
        ("v", "corei7_skylake_x", "killed by an illegal instruction at"),
        ("w", "corei7_icelake_u", "killed by an access to 0x0000000000000002"),
    ],
)
def test_what_kills_a_program_is_told(program: str, what: str, cpu: str, death: str) -> None:
    outcome = run(program, what, cpu=cpu)
    assert outcome.code == 255
    assert death in outcome.output

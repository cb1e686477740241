"""Programs on x86 CPUs that Bochs emulates, with a kernel for one program (guest/) in place of a system.

Bochs interprets some ten million instructions a second, and has models of CPUs with AVX-512, which qemu's
translator lacks. A system would take a minute to boot; this kernel starts the program at once.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.emulated.cores import BUILD, Emulator, Outcome

_GUEST = Path(__file__).with_name("guest")
_GUEST_BUILD = BUILD / "x86-guest"
MEMORY_MIB = 512
_KERNEL_ADDRESS = 0x100000  # reset.S
_BUNDLE_ADDRESS = 0x1000000  # bundle.h
_SECONDS = 900  # for one program
_MOST_FILES = 4  # bundle.h
_END = struct.pack("<Q", 0x21646E65646E6521)  # bundle.h
_FLAGS = (
    *("-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-exceptions", "-fno-rtti"),
    *("-fno-stack-protector", "-fno-pic", "-mcmodel=kernel", "-mno-red-zone", "-mgeneral-regs-only"),
    *("-fcf-protection=none", "-fno-threadsafe-statics", "-fno-asynchronous-unwind-tables"),
)
# The display is needed to start, and nobody reads it. `ips` is only how fast the emulated clock goes.
_CONFIGURATION = """\
display_library: term
megs: {megs}
cpu: model={cpu}, ips=10000000, reset_on_triple_fault=0
romimage: file={build}/rom.bin
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
optramimage1: file={build}/kernel.bin, address={kernel:#x}
optramimage2: file={folder}/bundle, address={bundle:#x}
parport1: enabled=1, file={folder}/output
sound: driver=dummy
log: {folder}/log
panic: action=fatal
error: action=ignore
info: action=ignore
"""


class BochsError(RuntimeError):
    """Bochs is missing or ended before the program did; the message has what it said."""


@cache
def build_guest() -> Path:
    """The folder of rom.bin and kernel.bin, built from guest/."""
    _GUEST_BUILD.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path) for path in _GUEST.glob("*.cc"))
    for command in (
        ["g++", "-c", str(_GUEST / "reset.S"), "-o", "reset.o"],
        ["ld", "-Ttext=0xffff0000", "-e", "0", "--oformat=binary", "reset.o", "-o", "rom.bin"],
        [
            *(
                "g++",
                *_FLAGS,
                "-nostdlib",
                "-static",
                "-no-pie",
                "-Wl,--build-id=none",
                "-Wl,-z,noexecstack",
                "-Wl,--no-warn-rwx-segments",
            ),
            *(f"-Wl,-T,{_GUEST / 'guest.ld'}", str(_GUEST / "entry.S"), *sources, "-o", "kernel.elf"),
        ],
        ["objcopy", "-O", "binary", "kernel.elf", "kernel.bin"],
    ):
        subprocess.run(command, cwd=_GUEST_BUILD, check=True)
    return _GUEST_BUILD


def bundle(
    program: bytes, arguments: Sequence[str], variables: Mapping[str, str], files: Mapping[str, bytes]
) -> bytes:
    """What the kernel finds in memory: guest/bundle.h has the format."""
    if len(files) > _MOST_FILES:
        raise ValueError(f"bundle: files: given {len(files)}, accepted at most {_MOST_FILES}")
    strings = [*arguments, *(f"{name}={value}" for name, value in variables.items()), *files]
    body = "".join(f"{text}\0" for text in strings).encode()
    sizes = [len(data) for data in files.values()]
    header_bytes = 8 * (6 + _MOST_FILES)
    for data in (program, *files.values(), _END):
        body += bytes(-len(body) % 8) + data
    counts = (len(program), len(arguments), len(variables), len(files))
    sizes += [0] * (_MOST_FILES - len(files))
    return struct.pack("<10Q", MEMORY_MIB << 20, header_bytes + len(body), *counts, *sizes) + body


def bochs(cpu: str) -> Emulator:
    """Runs static programs on the CPU model that Bochs calls `cpu`.

    A program sees the files that it is given, by name, and no others. Raises BochsError where Bochs does not
    start, or is not done in time.
    """

    def run(command: Sequence[str], variables: Mapping[str, str], files: Sequence[Path]) -> Outcome:
        contents = {str(path): path.read_bytes() for path in files}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "bundle").write_bytes(
                bundle(Path(command[0]).read_bytes(), command, variables, contents)
            )
            (folder / "bochsrc").write_text(
                _CONFIGURATION.format(
                    megs=MEMORY_MIB,
                    cpu=cpu,
                    build=build_guest(),
                    folder=folder,
                    kernel=_KERNEL_ADDRESS,
                    bundle=_BUNDLE_ADDRESS,
                )
            )
            (folder / "rc").write_text("c\n")  # the debugger's: go
            said = _start(["bochs", "-q", "-f", str(folder / "bochsrc"), "-rc", str(folder / "rc")])
            output, log = folder / "output", folder / "log"
            text = output.read_text(errors="replace") if output.is_file() else ""
            end = re.search(r"\n\[exit (-?\d+)\]\n\Z", text)
            if end is None:
                said += log.read_text(errors="replace") if log.is_file() else ""
                raise BochsError(f"{cpu}: Bochs ended before the program did: {text[-1000:]}{said[-1000:]}")
            return Outcome(int(end[1]), text[: end.start()].strip())

    return run


def _start(command: list[str]) -> str:
    """Runs it in a terminal of its own, without which it does not start; what it wrote there."""
    ours, its = pty.openpty()
    said: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                said.append(data)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    try:
        process = subprocess.Popen(
            command,
            stdin=its,
            stdout=its,
            stderr=its,
            env=os.environ | {"TERM": "xterm"},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise BochsError("bochs is missing: apt-get install bochs bochs-term") from None
    finally:
        os.close(its)

    reader.start()
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    reader.join()
    os.close(ours)
    return b"".join(said).decode(errors="replace")

"""Functions and inner loops of compiled kernels, AArch64 and x86-64, read from objdump's listing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Both tools are of the Debian package in the second place.
AARCH64 = ("aarch64-linux-gnu-objdump", "binutils-aarch64-linux-gnu")
X86 = ("objdump", "binutils")

# Products that one instruction adds up, by mnemonic and shape of the result (4 lanes: of int16).
_MACS = {
    ("sdot", "4s"): 16,
    ("sdot", "2s"): 8,
    ("smmla", "4s"): 32,
    **{(f"{name}{half}", "8h"): 8 for name in ("smull", "smlal") for half in ("", "2")},
    **{(f"{name}{half}", "4s"): 4 for name in ("smull", "smlal") for half in ("", "2")},
    ("mla", "8h"): 8,
    ("mul", "8h"): 8,
    **{("vpdpbusd", f"{name}mm"): macs for name, macs in (("x", 16), ("y", 32), ("z", 64))},
    **{("vpmaddubsw", f"{name}mm"): macs for name, macs in (("x", 16), ("y", 32), ("z", 64))},
}
_RESULT = re.compile(r"v\d+\.(\w+)|.*%([xyz]mm)\d+$")
_COMMENT = re.compile(r" *(//| # ).*")
_LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\s+(.*))?$")
_FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
_TARGET = re.compile(r"\b([0-9a-f]+) <.*>")


@dataclass(frozen=True)
class Instruction:
    """One line of the listing; `target` is where a branch goes."""

    address: int
    mnemonic: str
    operands: str
    target: int | None

    @property
    def macs(self) -> int:
        shape = _RESULT.match(self.operands)
        return _MACS.get((self.mnemonic, shape[1] or shape[2]), 0) if shape else 0

    @property
    def is_branch(self) -> bool:
        """Of those that go to an address in the code: neither a call nor a return."""
        return self.mnemonic.startswith(("b.", "cb", "tb", "j")) or self.mnemonic == "b"

    def assembler(self) -> str:
        """The line as an assembler takes it; every branch goes to the label `loop`."""
        return f"{self.mnemonic} {_TARGET.sub('loop', self.operands)}".strip()


@dataclass(frozen=True)
class Function:
    """A function of an object file; its name is demangled."""

    name: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Loop:
    """A loop's body in address order, its backward branch last."""

    function: str
    instructions: tuple[Instruction, ...]

    @property
    def macs(self) -> int:
        """int8 multiply-adds of one pass, padding lanes included."""
        return sum(i.macs for i in self.instructions)

    def assembler(self) -> str:
        return "\n".join(["loop:", *(i.assembler() for i in self.instructions)]) + "\n"


def parse(listing: str) -> Iterator[Function]:
    """The functions of `objdump -d -C --no-show-raw-insn`."""
    name, body = "", list[Instruction]()
    for line in listing.splitlines():
        if function := _FUNCTION.match(line):
            if body:
                yield Function(name, tuple(body))
            name, body = function[1], []
        elif found := _LINE.match(line):
            operands = _COMMENT.sub("", f"{found[3] or ''} ").strip()
            target = _TARGET.search(operands)
            body.append(Instruction(int(found[1], 16), found[2], operands, target and int(target[1], 16)))
    if body:
        yield Function(name, tuple(body))


def short_name(function: str) -> str:
    """`Tile<true>::run<6, 1>`: a demangled function without its parameters and our namespaces."""
    bare = function.replace("(anonymous namespace)::", "").split("(")[0].removeprefix("void ")
    return re.sub(r"\b(mobilekernels|scalar|avx\w+|neon\w*)::", "", bare)


def functions(path: Path, tool: tuple[str, str]) -> list[Function]:
    """The functions of an object file or a program; `tool`: AARCH64 or X86.

    Raises FileNotFoundError where objdump is missing, subprocess.CalledProcessError where it cannot read it.
    """
    objdump, package = tool
    command = [objdump, "-d", "-C", "--no-show-raw-insn", str(path)]
    try:
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise FileNotFoundError(f"{objdump} is missing: apt-get install {package}") from None
    return list(parse(listing))


def hot_loop(function: Function) -> Loop | None:
    """The innermost loop with the most multiply-adds an instruction, or None where no loop has any."""
    code = function.instructions
    index = {instruction.address: i for i, instruction in enumerate(code)}
    spans = []
    for end, instruction in enumerate(code):
        target = instruction.target if instruction.is_branch else None
        begin = None if target is None else index.get(target)
        if begin is not None and begin <= end:
            spans.append((begin, end))
    innermost = [
        (begin, end)
        for begin, end in spans
        if not any((b, e) != (begin, end) and begin <= b and e <= end for b, e in spans)
    ]
    loops = [Loop(function.name, code[begin : end + 1]) for begin, end in innermost]
    return max(
        (loop for loop in loops if loop.macs > 0),
        key=lambda loop: loop.macs / len(loop.instructions),
        default=None,
    )

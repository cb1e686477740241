"""Cycles of whole layers by a core's model: executed paths, each with what llvm-mca says of it.

Instructions of a function that were executed equally often are taken for one path, in the order of their
addresses, and a path costs so many times what it costs in a loop of its own: its cycles in the steady state,
with the pipes as busy as they can be. An inner loop is such a path; so is what lies before and behind it in
a tile.

What that knows: every instruction of the layer, pipes, latencies within a path. What it does not: caches and
memory, mispredicted branches, store forwarding, and how far one path overlaps with the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.proxies import disassembly, mca
from bench.proxies.disassembly import Instruction
from bench.proxies.mca import Core
from bench.x86.cores import X86
from bench.x86.steps import RUNNER, Steps

ITERATIONS = 100


@dataclass(frozen=True)
class ExecutedPath:
    """Instructions of one function, each executed `times` times."""

    function: str
    times: int
    instructions: tuple[Instruction, ...]


class Program:
    """The runner's code, and what its paths were found to cost."""

    def __init__(self, path: Path = RUNNER) -> None:
        self._places = {
            instruction.address: (function.name, instruction)
            for function in disassembly.functions(path, X86.tool)
            for instruction in function.instructions
        }
        self._costs: dict[tuple[Core, str], float] = {}

    def paths(self, steps: Steps) -> list[ExecutedPath]:
        """What was executed; addresses without code in the listing, of which there are none, are an error."""
        found: dict[tuple[str, int], list[Instruction]] = defaultdict(list)
        for address, times in sorted(steps.executions.items()):
            function, instruction = self._places[address]
            found[function, times].append(instruction)
        return [ExecutedPath(function, times, tuple(each)) for (function, times), each in found.items()]

    def cycles(self, steps: Steps, core: Core) -> float:
        """Of the whole layer."""
        return sum(self.by_function(steps, core).values())

    def by_function(self, steps: Steps, core: Core) -> dict[str, float]:
        """Cycles by the function's name, demangled."""
        paths = self.paths(steps)
        bodies = [mca.assembler(path.instructions, core) for path in paths]
        self._find_costs(bodies, core)
        found: dict[str, float] = defaultdict(float)
        for path, body in zip(paths, bodies, strict=True):
            found[path.function] += path.times * self._costs[core, body]
        return found

    def _find_costs(self, bodies: Iterable[str], core: Core) -> None:
        new = [body for body in dict.fromkeys(bodies) if (core, body) not in self._costs]
        if not new:
            return
        for body, cycles in zip(new, mca.cycles_of(new, X86.triple, core, ITERATIONS), strict=True):
            self._costs[core, body] = cycles


def cycles_of(counted: Sequence[Steps], core: Core, program: Program | None = None) -> dict[str, float]:
    """By the layer's name."""
    program = program or Program()
    return {steps.layer.name: program.cycles(steps, core) for steps in counted}

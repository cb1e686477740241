"""Which kernels there are, which of them this machine can run, and which are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mobilekernels._lib import core
from mobilekernels.errors import bad_argument


@dataclass(frozen=True)
class KernelInfo:
    """One microkernel: a family ("gemm", "depthwise", ...) for one instruction set."""

    family: str
    isa: str
    built: bool
    runnable: bool
    chosen: bool
    # Why it is not chosen; empty where it is.
    reason: str


def _not_built(isa: str) -> str:
    return f"not built: {core.not_built_reasons().get(isa, 'this build has no such kernel')}"


def _reason(isa: str, built: bool, runnable: bool, chosen: str, order: list[str]) -> str:
    if not built:
        return _not_built(isa)
    if not runnable:
        return f"not runnable: this CPU or operating system lacks {isa}"
    if order.index(isa) > order.index(core.isa_cap()):
        return f"capped: the best instruction set allowed is {core.isa_cap()}"
    return f"{chosen} is preferred"


def kernels() -> list[KernelInfo]:
    """Every kernel in the sources, by family, from the least to the most preferred instruction set.

    Raises ValueError where the environment variable MOBILEKERNELS_ISA names no instruction set.
    """
    core.check_environment()
    rows = core.kernels()
    order = list(core.runnable())
    chosen = {family: isa for family, isa, _, _, is_chosen in rows if is_chosen}
    families = list(dict.fromkeys(row[0] for row in rows))
    return [
        KernelInfo(
            family,
            isa,
            built,
            runnable,
            is_chosen,
            "" if is_chosen else _reason(isa, built, runnable, chosen[family], order),
        )
        for family, isa, built, runnable, is_chosen in sorted(
            rows, key=lambda row: (families.index(row[0]), order.index(row[1]))
        )
    ]


def cpu_features() -> dict[str, bool]:
    """Instruction set -> whether this CPU and operating system can run it."""
    return dict(core.runnable())


@contextmanager
def isa(name: str) -> Iterator[None]:
    """Caps the instruction set that operators may use, for tests and bug hunts; it holds for the whole
    process.

    Raises TypeError for anything but a string, ValueError for an unknown name, NotImplementedError for an
    instruction set that this build lacks or this CPU cannot run.
    """
    if not isinstance(name, str):
        raise bad_argument(TypeError, "isa", "name", type(name).__name__, "str")
    features = core.runnable()
    if name not in features:
        raise bad_argument(ValueError, "isa", "name", f"{name!r}", f"one of {', '.join(features)}")
    if not any(row[1] == name and row[2] for row in core.kernels()):
        raise NotImplementedError(f"isa: name: given {name!r}, {_not_built(name)}")
    if not features[name]:
        raise NotImplementedError(f"isa: name: given {name!r}, which this CPU or operating system cannot run")
    before = core.isa_cap()
    core.set_isa_cap(name)
    try:
        yield
    finally:
        core.set_isa_cap(before)

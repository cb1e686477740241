"""The ISAs that tests run: all that this CPU can, or of those what $MOBILEKERNELS_TEST_ISA names, with commas
between.

It is for emulated cores, where each instruction counts: the kernels of an ISA are the same code on all of
them, so one core tests them (tests/arm/python_suite.py).
"""

from __future__ import annotations

import os

import mobilekernels as mk

_NAMED = [name for name in os.environ.get("MOBILEKERNELS_TEST_ISA", "").split(",") if name]


def is_tested(isa: str) -> bool:
    return not _NAMED or isa in _NAMED


def tested_isas() -> list[str]:
    """Best last. Raises ValueError where there is none: tests of no ISA would pass."""
    runnable = dict.fromkeys(kernel.isa for kernel in mk.kernels() if kernel.built and kernel.runnable)
    found = [isa for isa in runnable if is_tested(isa)]
    if not found:
        raise ValueError(f"MOBILEKERNELS_TEST_ISA: given {_NAMED}, accepted some of {list(runnable)}")
    return found

"""Runs the C++ tests on emulated x86 cores: `make test-x86`, which builds what this needs.

So kernels are tested for instructions that the machine at hand lacks. Every test runs on each core but
corei7_skylake_x, where only the choice of kernels is of interest. Emulation proves bytes and the absence of
illegal instructions; it says nothing about speed.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from tests.emulated import cpp_suite
from tests.emulated.cores import ROOT, Core
from tests.emulated.result import Result
from tests.emulated.run import Task, conclude, run_all
from tests.x86.cores import CORES, ICELAKE, SKYLAKE

# Every operator, with the checksums that the scalar kernels gave.
LAYERS = ROOT / "tests" / "bench" / "layers.txt"
CHECKSUMS = LAYERS.with_name("checksums.txt")


def recorded_checksums() -> dict[str, str]:
    """Layer -> checksum."""
    return dict(line.split() for line in CHECKSUMS.read_text().splitlines())


def tasks_of(core: Core, native: dict[str, str], only: str) -> list[Task]:
    if core is SKYLAKE and not only:
        return [partial(cpp_suite.run_dispatch, core, native)]
    tasks: list[Task] = list(cpp_suite.suites(core, native, only))
    if core is ICELAKE and not only:
        tasks.append(partial(cpp_suite.check_layers, core, None, LAYERS, recorded_checksums()))
    return tasks


def merged(results: list[Result]) -> list[Result]:
    """One result a core."""
    found: dict[str, Result] = {}
    for result in results:
        found.setdefault(result.core, Result(result.core, result.suite)).add(result)
    return list(found.values())


def main() -> int:
    """1 where a test failed, or none ran."""
    parser = argparse.ArgumentParser(prog="python -m tests.x86.emulate", description=__doc__)
    parser.add_argument("--cpu", default="", help="only cores with this in their names: icelake")
    parser.add_argument("--only", default="", help="only test programs with this in their names: gemm_test")
    options = parser.parse_args()
    cores = [core for core in CORES if options.cpu in core.name]
    if not cores:
        parser.error(f"--cpu: given '{options.cpu}', accepted: part of {', '.join(c.name for c in CORES)}")
    native = cpp_suite.native_results()
    # The slowest first.
    tasks = [task for core in reversed(cores) for task in tasks_of(core, native, options.only)]
    return conclude(merged(run_all(tasks)))


if __name__ == "__main__":
    sys.exit(main())

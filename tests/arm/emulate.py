"""Runs the tests on emulated ARM cores: `make test-arm`, which builds what this needs.

The cross-built C++ programs run on every core of cores.py, the Python tests on those of python_suite.SUITES,
with the cross-built wheel. Emulation proves bytes and the absence of illegal instructions; it says nothing
about speed.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from tests.arm import python_suite
from tests.arm.cores import CORES
from tests.emulated import cpp_suite
from tests.emulated.run import Task, conclude, run_all


def python_tasks(stage: python_suite.Stage) -> list[Task]:
    suites = python_suite.SUITES
    return [partial(python_suite.run, stage, core, s) for core in CORES for s in suites.get(core.name, ())]


def main() -> int:
    """1 where a test failed, or none ran."""
    parser = argparse.ArgumentParser(prog="python -m tests.arm.emulate", description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the aarch64 wheel; without it the C++ suite alone runs")
    options = parser.parse_args()
    expected = cpp_suite.native_results()
    tasks: list[Task] = [partial(cpp_suite.run, core, expected) for core in CORES]
    if options.wheel:
        stage = python_suite.prepare(options.wheel)
        # The long ones first.
        results = run_all([*python_tasks(stage), *tasks])
        results.append(python_suite.read_back(stage))
        print(results[-1].text())
        for what, reason in python_suite.LEFT_OUT:
            print(f"left out of the Python suites: {what}: {reason}")
    else:
        results = run_all(tasks)
    return conclude(results)


if __name__ == "__main__":
    sys.exit(main())

"""Runs the tests on emulated ARM cores: `make test-arm`, which builds what this needs.

The cross-built C++ programs run on every core of cores.py, the Python tests on those of python_suite.SUITES,
with the cross-built wheel. Emulation proves bytes and the absence of illegal instructions; it says nothing
about speed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from tests.arm import cpp_suite, python_suite
from tests.arm.cores import CORES
from tests.arm.result import Result, matrix

Task = Callable[[], Result]
# The cores of this machine are few, and each session wants one: two at once.
AT_ONCE = 2


def run_all(tasks: list[Task]) -> list[Result]:
    """In the order of `tasks`; each result is printed as soon as it is there."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(task) for task in tasks]
        for future in as_completed(futures):
            print(future.result().text(), flush=True)
    return [future.result() for future in futures]


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
    print(matrix(results))
    passed, failed = sum(r.passed for r in results), sum(len(r.failures) for r in results)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 and all(r.passed for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())

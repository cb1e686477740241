"""Suites side by side, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.emulated.result import Result, matrix

Task = Callable[[], Result]
# The cores of this machine are few, and each emulator wants one: two at once.
AT_ONCE = 2


def run_all(tasks: Sequence[Task]) -> list[Result]:
    """In the order of `tasks`; each result is printed as soon as it is there."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(task) for task in tasks]
        for future in as_completed(futures):
            print(future.result().text(), flush=True)
    return [future.result() for future in futures]


def conclude(results: Sequence[Result]) -> int:
    """Prints the table and the sum; the exit code: 1 where a test failed, or none ran."""
    print(matrix(results))
    passed, failed = sum(r.passed for r in results), sum(len(r.failures) for r in results)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 and all(r.passed for r in results) else 1

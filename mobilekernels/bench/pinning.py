"""All threads of this process on one CPU while something is timed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_to_pin() -> int | None:
    """The last CPU of this process (the first serves most interrupts); None where there is no pinning."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None


@contextlib.contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Keep every thread that there is, and those to come, on ``cpu``; None leaves them alone.

    Engines have threads of their own from the time they are made ready, so the calling thread is not enough.
    """
    if cpu is None:
        yield
        return
    common = os.sched_getaffinity(0)
    before = {thread: os.sched_getaffinity(thread) for thread in _threads()}
    _move({thread: {cpu} for thread in before})
    try:
        yield
    finally:
        _move({thread: before.get(thread, common) for thread in _threads()})


def _threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


def _move(masks: dict[int, set[int]]) -> None:
    for thread, mask in masks.items():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(thread, mask)

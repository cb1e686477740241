"""Progress on stderr: a rich bar where rich is installed and stderr is a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


# What is going on; a function where that changes from item to item.
Description = str | Callable[[], str]


def track(
    items: Iterable[T],
    description: Description,
    total: int | None = None,
    show: bool = True,
    lines: bool = True,
) -> Iterator[T]:
    """Yield ``items`` and show how far we are.

    Args:
        items: any iterable; its length is used where it has one and ``total`` is None.
        description: what is going on; a function is asked after each item.
        total: number of items where the iterable cannot tell.
        show: False yields in silence.
        lines: False yields in silence where no bar can be shown.
    """
    bar = show and _rich_fits()
    if not bar and not (show and lines):
        yield from items
        return
    if total is None:
        try:
            total = len(items)  # type: ignore[arg-type]
        except TypeError:
            total = None
    describe = description if callable(description) else lambda: description
    yield from (_rich_track if bar else _plain_track)(items, describe, total)


def say(message: str, show: bool = True) -> None:
    """One line of progress to stderr."""
    if show:
        print(message, file=sys.stderr, flush=True)


def _rich_fits() -> bool:
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return sys.stderr.isatty()


def _rich_track(items: Iterable[T], describe: Callable[[], str], total: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(describe(), total=total)
        for item in items:
            yield item
            progress.update(task, advance=1, description=describe())


def _plain_track(items: Iterable[T], describe: Callable[[], str], total: int | None) -> Iterator[T]:
    # One line at most every two seconds: a log file is not flooded, and a person sees that it lives.
    started = time.monotonic()
    last = started
    done = 0
    of = f"/{total}" if total is not None else ""
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= 2.0:
            last = now
            say(f"{describe()}: {done}{of}")
    say(f"{describe()}: {done}{of} done in {time.monotonic() - started:.1f} s")

"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document to stdout."""
    json.dump(value, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[int] = (),
    strong: Collection[int] = (),
    title: str = "",
) -> None:
    """A table to stdout: by rich on a terminal, plain columns elsewhere."""
    if sys.stdout.isatty() and _has_rich():
        _rich_table(header, rows, numeric, strong, title)
    else:
        print(plain_table(header, rows, numeric, title))


def plain_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[int] = (), title: str = ""
) -> str:
    """Columns aligned by spaces."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = (
            c.rjust(w) if i in numeric else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    lines = [title] if title else []
    lines += [line(header), "  ".join("-" * width for width in widths), *map(line, rows)]
    return "\n".join(lines)


def _has_rich() -> bool:
    try:
        import rich.table  # noqa: F401
    except ImportError:
        return False
    return True


def _rich_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[int],
    strong: Collection[int],
    title: str,
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for column, name in enumerate(header):
        number = column in numeric
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=number)
    for index, row in enumerate(rows):
        table.add_row(*map(escape, row), style="bold green" if index in strong else None)
    Console().print(table)


@contextlib.contextmanager
def stdout_kept_clean(clean: bool) -> Iterator[None]:
    """While JSON is owed, send whatever libraries print to stdout (from C++ too) to stderr."""
    if not clean:
        yield
        return
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)

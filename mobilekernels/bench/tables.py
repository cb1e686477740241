"""Tables of strings, the first row a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def text(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widths; all but the first are set right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        first = row[0].ljust(widths[0])
        return "  ".join(
            [first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )

    return "\n".join(line(row) for row in rows) + "\n"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A GitHub table; a bar inside a cell becomes a comma."""
    lines = ["| " + " | ".join(cell.replace(" | ", ", ") for cell in row) + " |" for row in rows]
    rule = "|---" + "|--:" * (len(rows[0]) - 1) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def draw(rows: Sequence[Sequence[str]], is_markdown: bool) -> str:
    """One or the other."""
    return markdown(rows) if is_markdown else text(rows)


def write(path: Path, name: str, content: str) -> None:
    """Writes a file; one with the lines `<!-- name -->` and `<!-- end name -->` only between them."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->\n"
    old = path.read_text() if path.exists() else ""
    between = re.compile(f"(?<={re.escape(begin)}).*(?={re.escape(end)})", re.DOTALL)
    path.write_text(between.sub(lambda _: content, old) if begin in old and end in old else content)

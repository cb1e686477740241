"""The result of ``compare``: figures for each engine, as text, dict and HTML."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from mobilekernels import html

HEADER = ("engine", "top-1", "agreement", "SQNR dB", "cosine", "ms", "times ours", "note")


@dataclass(frozen=True)
class EngineResult:
    """One engine's figures. What was not measured is None; ``absent`` then says why.

    Attributes:
        name, title, dtype: which engine.
        absent: why the engine did not run, or None.
        agreement: share of rows with the float model's top-1 class.
        accuracy: share of rows with the label's class, where labels were given.
        sqnr_db, cosine: of all outputs against the float model's.
        median_ms, quartiles_ms: wall clock of one call.
        ratio: this engine's median over ours: above 1, ours is faster.
        note: what a reader must know about the figures.
    """

    name: str
    title: str
    dtype: str
    absent: str | None = None
    agreement: float | None = None
    accuracy: float | None = None
    sqnr_db: float | None = None
    cosine: float | None = None
    median_ms: float | None = None
    quartiles_ms: tuple[float, float] | None = None
    ratio: float | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """The engine's row of the table, under ``HEADER``."""
        if self.absent is not None:
            return (self.title, *["-"] * 6, f"absent: {self.absent}")
        return (
            self.title,
            _percent(self.accuracy),
            _percent(self.agreement),
            _number(self.sqnr_db, 1),
            _number(self.cosine, 4),
            _number(self.median_ms, 2),
            _number(self.ratio, 2, "x"),
            self.note,
        )


@dataclass(frozen=True)
class Comparison:
    """Every engine on the same data.

    Attributes:
        results: one an engine, in table order.
        samples: number of calls that the accuracy figures come from.
        rows: number of output rows in them.
        threads, rounds: how latency was measured.
        input_shapes: of the call that was timed.
        notes: what applies to all of it.
    """

    results: tuple[EngineResult, ...]
    samples: int
    rows: int
    threads: int
    rounds: int
    input_shapes: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()

    def result(self, name: str) -> EngineResult:
        """The result of the engine of that name; KeyError where it was not asked for."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def caption(self) -> str:
        """One line on how the figures were measured."""
        shapes = ", ".join("x".join(map(str, shape)) for shape in self.input_shapes)
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        return (
            f"{self.rows} outputs against the float model; median of {self.rounds} interleaved rounds, "
            f"{threads}, input {shapes}; times ours: above 1, ours is faster"
        )

    def __str__(self) -> str:
        rows = [HEADER, *(result.cells() for result in self.results)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        lines = [_line(row, widths) for row in rows]
        lines.insert(1, "-" * min(sum(widths) + 2 * (len(widths) - 1), 140))
        return "\n".join([*lines, "", self.caption(), *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has; infinities and NaN become None."""
        cleaned = _jsonable(asdict(self))
        assert isinstance(cleaned, dict)
        return cleaned

    def html_fragment(self) -> str:
        """A table with its caption, to be put into a page."""
        numeric = range(1, len(HEADER) - 1)
        table = html.table(
            HEADER,
            [result.cells() for result in self.results],
            numeric=numeric,
            strong=[index for index, result in enumerate(self.results) if result.name == "mobilekernels"],
            faint=[index for index, result in enumerate(self.results) if result.absent is not None],
        )
        notes = "".join(html.paragraph(note, "note") for note in self.notes)
        return table + html.paragraph(self.caption(), "note") + notes

    def to_html(self, title: str = "Comparison of engines") -> str:
        """A self-contained page: the table, and plots where matplotlib is installed."""
        return html.page(title, self.html_fragment() + html.comparison_plots(self))


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    last = len(row) - 1
    cells = (
        cell.rjust(width) if 0 < i < last else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""Self-contained HTML: page shell, tables, and plots as inline SVG."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobilekernels.comparison import Comparison

_STYLE = """
:root { color-scheme: light; --ink: #1c2733; --faint: #66788a; --line: #dde4ea; --accent: #0b6e4f; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: #f4f6f8; margin: 0; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.5rem;
margin: 1rem 0;
          overflow-x: auto; }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: .3rem 0 .8rem; }
table { border-collapse: collapse; width: 100%; font-size: .92em; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } .number { text-align: right; white-space: nowrap; }
tr.strong td { font-weight: 600; color: var(--accent); } tr.faint td { color: var(--faint); }
.note { color: var(--faint); font-size: .9em; margin: .6rem 0 0; } .lead { font-size: 1.1em; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; } .plots > * { flex: 1 1 26rem; min-width: 0; }
svg { max-width: 100%; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; font-size: .85em; }
figure img { width: 100%; display: block; aspect-ratio: 1; object-fit: cover; }
figcaption { padding: .4rem .6rem; }
.right { color: var(--accent); } .wrong { color: #b3261e; }
"""


def page(title: str, *sections: str) -> str:
    """A whole HTML document; each section is HTML already."""
    body = "".join(f"<section>{section}</section>" for section in sections)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )


def heading(text: str) -> str:
    """A section's heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text; ``kind`` is a class of the style sheet."""
    return f'<p class="{escape(kind)}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: Collection[int] = (),
    strong: Collection[int] = (),
    faint: Collection[int] = (),
) -> str:
    """A table of plain text.

    Args:
        numeric: columns to align to the right.
        strong, faint: rows to stress and to pale.
    """

    def cell(tag: str, column: int, text: str) -> str:
        kind = ' class="number"' if column in numeric else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", column, text) for column, text in enumerate(header))
    lines = []
    for index, row in enumerate(rows):
        kind = ' class="strong"' if index in strong else ' class="faint"' if index in faint else ""
        cells = "".join(cell("td", column, text) for column, text in enumerate(row))
        lines.append(f"<tr{kind}>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def image(jpeg: bytes, description: str) -> str:
    """An inline JPEG image."""
    data = base64.b64encode(jpeg).decode("ascii")
    return f'<img alt="{escape(description)}" src="data:image/jpeg;base64,{data}">'


def comparison_plots(comparison: Comparison) -> str:
    """Latency and SQNR of every engine that ran, as inline SVG; a sentence where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        return paragraph(f"Plots need matplotlib ({error}): pip install mobilekernels[demo]", "note")
    ran = [result for result in comparison.results if result.absent is None]
    timed = [(r.title, r.median_ms, r.name) for r in ran if r.median_ms is not None]
    noisy = [
        (r.title, r.sqnr_db, r.name)
        for r in ran
        if r.dtype == "int8" and r.sqnr_db is not None and math.isfinite(r.sqnr_db)
    ]
    plots = []
    if timed:
        plots.append(bar_chart("Latency of one call, median (ms, less is better)", timed, "{:.1f}"))
    if noisy:
        plots.append(bar_chart("Output SQNR to float32 (dB, more is better)", noisy, "{:.1f}"))
    return f'<div class="plots">{"".join(f"<div>{plot}</div>" for plot in plots)}</div>' if plots else ""


def bar_chart(title: str, bars: Sequence[tuple[str, float, str]], label: str) -> str:
    """Horizontal bars (title, value, engine name) as SVG, ours in another colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 0.9 + 0.42 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    colours = ["#0b6e4f" if name == "mobilekernels" else "#9db2c4" for _, _, name in bars]
    drawn = axes.barh([text for text, _, _ in bars], [value for _, value, _ in bars], color=colours)
    axes.bar_label(drawn, labels=[label.format(value) for _, value, _ in bars], padding=3, fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=9, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return svg(figure)


def svg(figure: object) -> str:
    """A matplotlib figure as an inline SVG element; the same figure gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mobilekernels"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})  # type: ignore[attr-defined]
    text = buffer.getvalue()
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)

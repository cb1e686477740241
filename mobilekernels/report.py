"""What `convert` did: one row an operator, and how much of the network runs on our kernels."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerReport:
    """One operator of the network, shapes as on the example inputs.

    Attributes:
        name: of the operator in the quantized graph.
        op: what it computes.
        kernel: the kernel family and instruction set chosen on this machine; empty on stock operators.
        status: "ours" (on our kernels) or "stock" (PyTorch's own operator, in float).
        reason: why it stayed stock.
        macs: multiplications and additions, as pairs; 0 but for convolutions and linear layers.
        weight_bytes: of the packed weight.
        sparsity: share of the weight's codes that are zero; None where it has none that kernels could skip.
        occupancy: share of blocks that hold a non-zero, by block ("4x4", "1x4").
        block: that the kernel skips; empty where it computes everything.
        gain: speed-up over the dense kernel that the break-even curve promises; None where it tells nothing.
        advice: why zeros do not pay, and what would; empty where they do or where there are few.
        gain_source: what the gain is known by: "measured", or "instructions" (counted, a proxy) or "model".
    """

    name: str
    op: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape | None
    kernel: str
    status: str
    reason: str = ""
    macs: int = 0
    weight_bytes: int = 0
    sparsity: float | None = None
    occupancy: dict[str, float] = field(default_factory=dict)
    block: str = ""
    gain: float | None = None
    advice: str = ""
    gain_source: str = ""

    @property
    def pruned(self) -> bool:
        """Whether there is something to tell of its zeros."""
        return bool(self.block or self.advice)


@dataclass(frozen=True)
class Report:
    """The rows in the order of the network, and what else one should know (`remarks`)."""

    layers: tuple[LayerReport, ...]
    source: str = ""
    remarks: tuple[str, ...] = field(default_factory=tuple)

    @property
    def ours(self) -> tuple[LayerReport, ...]:
        return tuple(layer for layer in self.layers if layer.status == "ours")

    @property
    def stock(self) -> tuple[LayerReport, ...]:
        return tuple(layer for layer in self.layers if layer.status != "ours")

    @property
    def op_coverage(self) -> float:
        """The share of operators on our kernels, 0 to 1."""
        return len(self.ours) / len(self.layers) if self.layers else 0.0

    @property
    def mac_coverage(self) -> float:
        """The share of multiply-accumulates on our kernels, 0 to 1; 1 for a network without any."""
        total = sum(layer.macs for layer in self.layers)
        return sum(layer.macs for layer in self.ours) / total if total else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "source": self.source,
            "op_coverage": self.op_coverage,
            "mac_coverage": self.mac_coverage,
            "ops": len(self.layers),
            "ops_ours": len(self.ours),
            "macs": sum(layer.macs for layer in self.layers),
            "weight_bytes": sum(layer.weight_bytes for layer in self.layers),
            "remarks": list(self.remarks),
            "layers": [_jsonable(asdict(layer)) for layer in self.layers],
        }

    def __str__(self) -> str:
        zeros = ["", *_aligned(_ZERO_TITLES, self._zeros(), right=range(1, 6))] if self._zeros() else []
        layers = _aligned(_TITLES, [_cells(layer) for layer in self.layers], right=range(5, len(_TITLES)))
        return "\n".join((*self._summary(), "", *layers, *zeros, *self._stock_reasons()))

    def html_fragment(self) -> str:
        """The report as a piece of HTML, for a larger page."""
        summary = "".join(f"<li>{html.escape(line)}</li>" for line in self._summary())
        head = "".join(f"<th>{html.escape(title)}</th>" for title in _TITLES)
        rows = "".join(_html_row(layer) for layer in self.layers)
        return (
            f'<section class="mk-report"><ul>{summary}</ul>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{self._zeros_html()}</section>"
        )

    def to_html(self) -> str:
        """A page of its own, without anything to load."""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>mobilekernels conversion report</title><style>{_STYLE}</style></head><body>"
            f"<h1>Conversion report</h1>{self.html_fragment()}</body></html>"
        )

    def _summary(self) -> list[str]:
        macs, weight_bytes = (
            sum(getattr(layer, name) for layer in self.layers) for name in ("macs", "weight_bytes")
        )
        lines = [
            f"operators on our kernels: {len(self.ours)} of {len(self.layers)} ({self.op_coverage:.1%})",
            f"multiply-accumulates on our kernels: {self.mac_coverage:.1%} of {macs / 1e6:.1f} M",
            f"packed weights: {weight_bytes / 1024:.0f} KiB",
        ]
        source = [f"source: {self.source}"] if self.source else []
        return [*source, *lines, *(f"note: {remark}" for remark in self.remarks)]

    def _zeros(self) -> list[tuple[str, ...]]:
        """Rows of the layers whose zeros are used, or could be."""
        return [_zero_cells(layer) for layer in self.layers if layer.pruned]

    def _zeros_html(self) -> str:
        if not self._zeros():
            return ""
        head = "".join(f"<th>{html.escape(title)}</th>" for title in _ZERO_TITLES)
        rows = "".join(
            f'<tr class="{"" if row[4] != _DENSE else "advice"}">'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in self._zeros()
        )
        return f'<table class="zeros"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'

    def _stock_reasons(self) -> list[str]:
        if not self.stock:
            return []
        names: dict[tuple[str, str], list[str]] = {}
        for layer in self.stock:
            names.setdefault((layer.op, layer.reason), []).append(layer.name)
        lines = [f"  {op} x{len(who)} ({shortened(who)}): {reason}" for (op, reason), who in names.items()]
        return ["", "left on stock operators:", *lines]


_TITLES = ("name", "op", "input", "output", "kernel", "MMAC", "KiB")
_ZERO_TITLES = ("pruned layer", "zeros", "4x4 in use", "1x4 in use", "runs", "gain", "")
_DENSE = "dense"

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#222}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left;white-space:nowrap}
td:nth-child(n+6){text-align:right}
tr.stock,tr.advice{background:#fff1e6}
table.zeros{margin-top:1.5rem}
.zeros td:nth-child(n+2){text-align:right}
.zeros td:last-child{text-align:left;white-space:normal}
"""


def _cells(layer: LayerReport) -> tuple[str, ...]:
    return (
        layer.name,
        layer.op,
        ", ".join(_shape(s) for s in layer.input_shapes),
        _shape(layer.output_shape),
        f"{layer.kernel} {layer.block}".strip() if layer.status == "ours" else "stock",
        f"{layer.macs / 1e6:.2f}" if layer.macs else "",
        f"{layer.weight_bytes / 1024:.1f}" if layer.weight_bytes else "",
    )


def _html_row(layer: LayerReport) -> str:
    title = f' title="{html.escape(layer.reason, quote=True)}"' if layer.reason else ""
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(layer))
    return f'<tr class="{layer.status}"{title}>{cells}</tr>'


def _zero_cells(layer: LayerReport) -> tuple[str, ...]:
    return (
        layer.name,
        "" if layer.sparsity is None else f"{layer.sparsity:.0%}",
        *(f"{layer.occupancy[block]:.0%}" if block in layer.occupancy else "" for block in ("4x4", "1x4")),
        layer.block or _DENSE,
        _gain(layer),
        layer.advice,
    )


def _gain(layer: LayerReport) -> str:
    """What was not measured says so."""
    if layer.gain is None:
        return ""
    by = "" if layer.gain_source in ("", "measured") else f" by {layer.gain_source}"
    return f"{layer.gain:.1f}x{by}"


def _aligned(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: Collection[int]) -> list[str]:
    """A table as lines; the columns `right` are aligned to the right."""
    cells = [titles, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    lines = [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else "x".join(map(str, shape)) or "scalar"


def shortened(names: list[str]) -> str:
    """The first three."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    row["input_shapes"] = [list(s) for s in row["input_shapes"]]
    row["output_shape"] = None if row["output_shape"] is None else list(row["output_shape"])
    return row

"""What `convert` did: one row an operator, and how much of the network runs on our kernels."""

from __future__ import annotations

import html
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
        status: "ours" (int8, in the converted graph) or "stock" (PyTorch's own operator, in float).
        reason: why it stayed stock.
        macs: multiplications and additions, as pairs; 0 but for convolutions and linear layers.
        weight_bytes: of the packed weight.
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
        return "\n".join((*self._summary(), "", *self._table(), *self._stock_reasons()))

    def html_fragment(self) -> str:
        """The report as a piece of HTML, for a larger page."""
        summary = "".join(f"<li>{html.escape(line)}</li>" for line in self._summary())
        head = "".join(f"<th>{html.escape(title)}</th>" for title in _TITLES)
        rows = "".join(_html_row(layer) for layer in self.layers)
        return (
            f'<section class="mk-report"><ul>{summary}</ul>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
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

    def _table(self) -> list[str]:
        cells = [_TITLES, *(_cells(layer) for layer in self.layers)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_TITLES))]
        aligned = [
            "  ".join(_align(c, w, i) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in cells
        ]
        lines = [line.rstrip() for line in aligned]
        return [lines[0], "-" * max(map(len, lines)), *lines[1:]]

    def _stock_reasons(self) -> list[str]:
        if not self.stock:
            return []
        names: dict[tuple[str, str], list[str]] = {}
        for layer in self.stock:
            names.setdefault((layer.op, layer.reason), []).append(layer.name)
        lines = [f"  {op} x{len(who)} ({_shortened(who)}): {reason}" for (op, reason), who in names.items()]
        return ["", "left on stock operators:", *lines]


_TITLES = ("name", "op", "input", "output", "kernel", "MMAC", "KiB")
_RIGHT_ALIGNED_FROM = 5

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#222}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left;white-space:nowrap}
td:nth-child(n+6){text-align:right}
tr.stock{background:#fff1e6}
"""


def _cells(layer: LayerReport) -> tuple[str, ...]:
    return (
        layer.name,
        layer.op,
        ", ".join(_shape(s) for s in layer.input_shapes),
        _shape(layer.output_shape),
        layer.kernel if layer.status == "ours" else "stock",
        f"{layer.macs / 1e6:.2f}" if layer.macs else "",
        f"{layer.weight_bytes / 1024:.1f}" if layer.weight_bytes else "",
    )


def _html_row(layer: LayerReport) -> str:
    title = f' title="{html.escape(layer.reason, quote=True)}"' if layer.reason else ""
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(layer))
    return f'<tr class="{layer.status}"{title}>{cells}</tr>'


def _align(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column >= _RIGHT_ALIGNED_FROM else cell.ljust(width)


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else "x".join(map(str, shape)) or "scalar"


def _shortened(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    row["input_shapes"] = [list(s) for s in row["input_shapes"]]
    row["output_shape"] = None if row["output_shape"] is None else list(row["output_shape"])
    return row

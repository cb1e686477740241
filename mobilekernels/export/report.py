"""What `export` wrote: the file's contents, and what only the export knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mobilekernels.export.contents import Contents, ExportedOp
from mobilekernels.report import shortened
from mobilekernels.segments.memory import Memory


@dataclass(frozen=True)
class ExportReport:
    """One exported file.

    Attributes:
        path: of the file.
        target: what it was exported for.
        contents: what is in it, read back from the file; in a `.pte`, the operators of XNNPACK's delegates as
            well.
        memory: of activations inside segments, for the example inputs.
        load_ms: of a `.pte`, milliseconds from the file to a method that can be called, in ExecuTorch's
            runtime in this process; None of other files, and where it cannot be loaded here (a note says
            why).
        notes: what else one should know.
    """

    path: str
    target: str
    contents: Contents
    memory: Memory
    load_ms: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def not_ours(self) -> tuple[ExportedOp, ...]:
        """The operators that others compute."""
        return tuple(op for op in self.contents.ops if op.place != "ours")

    @property
    def activation_bytes(self) -> int:
        """Memory for activations in a call: buffers between operators, and the segments' arena."""
        return self.contents.planned_bytes + self.memory.arena + self.memory.workspace

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "path": self.path,
            "target": self.target,
            **self.contents.to_dict(),
            "activation_bytes": self.activation_bytes,
            "load_ms": self.load_ms,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.path} for {self.target}", *self.contents.lines(), *self._rest(), *self._reasons()]
        )

    def _rest(self) -> list[str]:
        lines = [f"activations: {self.activation_bytes / 1024:.0f} KiB ({self.memory})"]
        if self.load_ms is not None:
            lines.append(f"loaded in {self.load_ms:.1f} ms")
        return [*lines, *(f"note: {note}" for note in self.notes)]

    def _reasons(self) -> list[str]:
        names: dict[tuple[str, str, str], list[str]] = {}
        for op in self.not_ours:
            if op.reason:
                names.setdefault((op.place, op.op, op.reason), []).append(op.name)
        return [
            f"  {op} x{len(who)} ({shortened(who)}): {place}, {reason}"
            for (place, op, reason), who in names.items()
        ]

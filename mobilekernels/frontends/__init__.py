"""Front ends: every kind of quantized model becomes one canonical graph (docs/design.md)."""

from mobilekernels.frontends.canonical import to_canonical
from mobilekernels.frontends.detect import SourceKind, detect

__all__ = ["SourceKind", "detect", "to_canonical"]

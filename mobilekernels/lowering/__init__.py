"""From the canonical graph to a graph of our operators (docs/design.md, 'From a quantized model to ours')."""

from mobilekernels.lowering.lower import LayerNote, Lowered, lower

__all__ = ["LayerNote", "Lowered", "lower"]

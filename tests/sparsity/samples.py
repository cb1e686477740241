"""Curves of a machine that does not exist: time is 5 % and a share that grows with the blocks."""

from __future__ import annotations

from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curves import KINDS, MEASURED, Curve, Curves, LayerShape
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS

OCCUPANCY = (0.1, 0.3, 0.5, 1.0)
COST = {(4, 4): 1.1, (1, 4): 1.5}


def speedup(block: Block, occupancy: float) -> float:
    return 1 / (0.05 + COST[block] * occupancy)


def curve(
    isa: str, block: Block, kind: str, pixels: int = 196, channels: int = 256, source: str = MEASURED
) -> Curve:
    layer = LayerShape(kind, 1 if kind == "row" else pixels, channels, channels)
    gains = tuple(speedup(block, each) for each in OCCUPANCY)
    return Curve(isa, block, layer, OCCUPANCY, gains, source, "tests")


def curves(*isas: str, source: str = MEASURED) -> Curves:
    rows = [
        curve(isa, block, kind, source=source) for isa in isas for block in SPARSE_BLOCKS for kind in KINDS
    ]
    return Curves(tuple(rows), "tests")

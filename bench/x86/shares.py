"""Cycles of a sparse layer at any share of its blocks, from two that are emulated.

By the model they are linear in blocks, for these only multiply the paths of inner loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mobilekernels.bench.layers import Layer
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name

EMULATED = (0.05, 0.2)  # shares of blocks computed


def variants(dense: Layer) -> list[Layer]:
    """The layer, and in every block at the shares that are emulated."""
    listed = [dense]
    for block in map(block_name, SPARSE_BLOCKS):
        for share in EMULATED:
            zeros = {"block": block, "zeros": f"{100 * (1 - share):.0f}"}
            listed.append(replace(dense, name=f"{dense.name}_{block}_{share}", values=dense.values | zeros))
    return listed


def cost_at(costs: Mapping[str, float], dense: str, block: str, share: float) -> float:
    """The cost where that share of blocks is computed. `costs`: of `variants`, by name."""
    x0, x1 = EMULATED
    t0, t1 = (costs[f"{dense}_{block}_{x}"] for x in EMULATED)
    return t0 + (share - x0) / (x1 - x0) * (t1 - t0)

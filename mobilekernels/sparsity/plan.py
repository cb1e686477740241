"""Dense or sparse, and in which block: the decision for each layer of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curves import MEASURED, Curve, Curves, LayerShape
from mobilekernels.sparsity.zeros import MOST_K, QUAD, SPARSE_BLOCKS, Zeros, block_name, zeros_of

AUTO, NEVER, ALWAYS = "auto", "never", "always"
MODES = (AUTO, NEVER, ALWAYS)
# A gain below it is within the noise of the curves, and sparse weights are not worth it. What was not
# measured can be further off: counted instructions and models take every load for a hit, and on in-order
# cores sparse loops wait more.
WORTH, WORTH_UNMEASURED = 1.05, 1.25
# Dense training leaves some zeros everywhere; from this share on somebody has pruned.
PRUNED = 0.25


@dataclass(frozen=True)
class LayerPlan:
    """What becomes of a layer.

    Attributes:
        block: that its weight is packed in; None: dense.
        gain: the speed-up over dense that the curve promises; None where dense, or where there is no curve.
        gain_source: what that curve is made of, or those that the advice is by, as in `Curve`; else empty.
        advice: where zeros are there and cannot pay: why, and what would; empty otherwise.
    """

    zeros: Zeros
    block: Block | None = None
    gain: float | None = None
    advice: str = ""
    gain_source: str = ""


class Planner:
    """Plans layers for one instruction set.

    Args:
        mode: "auto" (sparse where the curves promise a gain), "never", "always" (the best block in every
            layer that can be sparse), or a block: always, and in this one.
        curves: the break-even curves.
        isa: instruction set that the network is to run on.

    Raises:
        TypeError, ValueError: `mode` is none of these; the message names it as ``sparse``.
    """

    def __init__(self, mode: str | Block, curves: Curves, isa: str) -> None:
        self.mode = _check_mode(mode)
        self.curves = curves
        self.isa = isa

    @property
    def blind(self) -> bool:
        """Whether there is no curve to judge int8 layers by where one is needed."""
        return self._blind(self.curves)

    def _blind(self, curves: Curves) -> bool:
        return self.mode == AUTO and self.isa not in curves.isas()

    def plan(self, weight: torch.Tensor, groups: int, pixels: int) -> LayerPlan | None:
        """The plan of a layer with weights [out, in / groups, *kernel]; None for depthwise ones.

        Dense means our own kernel for int8 codes, and PyTorch's operator for floats: there "auto" looks at
        pruned weights alone.

        Args:
            pixels: rows of its matrix product, as in `LayerShape`.
        """
        if groups > 1 and weight.shape[1] == 1:
            return None
        zeros = zeros_of(weight, groups)
        if self.mode == NEVER or weight[0].numel() > MOST_K:
            return LayerPlan(zeros)
        known = self.curves.of_float32() if weight.dtype.is_floating_point else self.curves
        if weight.dtype.is_floating_point and self.mode == AUTO:
            if zeros.sparsity < PRUNED:
                return LayerPlan(zeros)
            if self._blind(known):
                return LayerPlan(zeros, advice=f"no float32 curve for {self.isa} in {known.origin}")
        layer = LayerShape.of(tuple(weight.shape), groups, pixels)
        curves = {block: known.find(self.isa, block, layer) for block in SPARSE_BLOCKS}
        gains = _gains(curves, zeros.occupancy)
        best = max(gains, key=lambda block: gains[block], default=None)

        def sparse(block: Block) -> LayerPlan:
            return LayerPlan(zeros, block, gains.get(block), gain_source=_source(curves[block]))

        if self.mode == ALWAYS:
            return sparse(best or _fewest_bytes(zeros))
        if isinstance(self.mode, tuple):
            return sparse(self.mode)
        if best is not None and gains[best] > _worth(curves[best]):
            return sparse(best)
        advice = _advice(zeros, curves, self.isa) if zeros.sparsity >= PRUNED and best is not None else ""
        if advice and weight[0, 0].numel() > 1 and weight.shape[1] % QUAD:
            # No block that `prune` makes here is one that kernels can leave out.
            advice = f"{weight.shape[1]} input channels a group do not fill blocks of {QUAD}"
        return LayerPlan(zeros, advice=advice, gain_source=_source(curves[best]) if advice and best else "")


def _check_mode(mode: object) -> str | Block:
    if isinstance(mode, list):
        mode = tuple(mode)
    if not isinstance(mode, (str, tuple)):
        raise TypeError(f"sparse: given a {type(mode).__name__}; accepted is text, or a block")
    if isinstance(mode, tuple) and mode in SPARSE_BLOCKS:
        return mode
    if isinstance(mode, str) and mode in MODES:
        return mode
    raise ValueError(f"sparse: given {mode!r}; accepted are {', '.join(map(repr, (*MODES, *SPARSE_BLOCKS)))}")


def _source(curve: Curve | None) -> str:
    return "" if curve is None else curve.source


def _worth(curve: Curve | None) -> float:
    """The least gain that a curve must promise."""
    return WORTH if curve is None or curve.source == MEASURED else WORTH_UNMEASURED


def _gains(curves: Mapping[Block, Curve | None], occupancy: Mapping[Block, float]) -> dict[Block, float]:
    return {block: curve.at(occupancy[block]) for block, curve in curves.items() if curve is not None}


def _fewest_bytes(zeros: Zeros) -> Block:
    """Without a curve: what has the least to read, two bytes of offset a block."""
    sizes = {b: zeros.occupancy[b] * (1 + 2 / (b[0] * b[1])) for b in SPARSE_BLOCKS}
    return min(sizes, key=lambda block: sizes[block])


def _advice(zeros: Zeros, curves: Mapping[Block, Curve | None], isa: str) -> str:
    """Why zeros do not pay, and the block that would make them."""
    ideal = _gains(curves, dict.fromkeys(curves, 1 - zeros.sparsity))
    paying = {block: gain for block, gain in ideal.items() if gain > _worth(curves[block])}
    if paying:
        pruned = " or ".join(f"block={block} ({gain:.1f}x)" for block, gain in paying.items())
        return f"too few whole blocks of zeros; as many zeros would pay with {pruned}"
    needed = {b: 1 - c.break_even(_worth(c)) for b, c in curves.items() if c is not None}
    least = " or ".join(f"{share:.0%} in {block_name(b)}" for b, share in needed.items() if share < 1)
    return f"too few zeros for {isa}: " + (f"it takes {least}" if least else "none pay on this layer")

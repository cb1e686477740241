"""How many zeros a model has, and in what pattern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from mobilekernels.pruning.blocks import Block, check_block
from mobilekernels.pruning.layers import Layer, never_pruned, weighted_layers


@dataclass(frozen=True)
class LayerSparsity:
    """One convolution or linear layer.

    Attributes:
        sparsity: share of the elements that are zero.
        block_sparsity: share of the blocks that are zero as a whole: what a kernel can leave out.
        kept_norm: the weight's L2 norm after pruning, by that before; None where it is not known.
        reason: why the layer was left dense; empty otherwise.
    """

    name: str
    shape: tuple[int, ...]
    elements: int
    zeros: int
    blocks: int
    zero_blocks: int
    kept_norm: float | None = None
    reason: str = ""

    @property
    def sparsity(self) -> float:
        return self.zeros / self.elements

    @property
    def block_sparsity(self) -> float:
        return self.zero_blocks / self.blocks


@dataclass(frozen=True)
class SparsityReport:
    """Rows in the order of the model."""

    block: Block
    layers: tuple[LayerSparsity, ...]

    @property
    def pruned(self) -> tuple[LayerSparsity, ...]:
        """The layers that nothing kept dense."""
        return tuple(layer for layer in self.layers if not layer.reason)

    @property
    def sparsity(self) -> float:
        """Share of zeros in the layers that nothing kept dense."""
        return _share(self.pruned)

    @property
    def model_sparsity(self) -> float:
        """Share of zeros in all convolutions and linear layers."""
        return _share(self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        rows = [
            {
                **asdict(layer),
                "shape": list(layer.shape),
                "sparsity": layer.sparsity,
                "block_sparsity": layer.block_sparsity,
            }
            for layer in self.layers
        ]
        return {
            "block": list(self.block),
            "sparsity": self.sparsity,
            "model_sparsity": self.model_sparsity,
            "layers": rows,
        }

    def __str__(self) -> str:
        height, width = self.block
        head = ("layer", "weight", "zeros", f"zero {height}x{width} blocks", "norm kept", "")
        rows = [
            (
                layer.name or "(model)",
                "x".join(map(str, layer.shape)),
                f"{layer.sparsity:.1%}",
                f"{layer.block_sparsity:.1%}",
                "" if layer.kept_norm is None else f"{layer.kept_norm:.1%}",
                f"dense: {layer.reason}" if layer.reason else "",
            )
            for layer in self.layers
        ]
        summary = f"zeros: {self.sparsity:.1%} where not kept dense, {self.model_sparsity:.1%} in all"
        return "\n".join((*align(head, rows), "", summary))


def sparsity_report(model: nn.Module, block: Block = (4, 4)) -> SparsityReport:
    """Count the zeros of a model's weights, wherever they come from, and the blocks of zeros.

    Args:
        model: a float module with plain weights (`fold_masks` turns masks into them).
        block: output by input channels: (4, 4), (1, 4) or (1, 1).

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value; the message names it.
    """
    block = check_block(block)
    rows = []
    for layer in weighted_layers(model, block):
        rows.append(Layer(layer.name, layer.module, layer.grid, never_pruned(layer)))
    return count(block, rows)


def count(block: Block, layers: Iterable[Layer], kept: Mapping[str, float] | None = None) -> SparsityReport:
    """The report on layers as they are now, with the norms kept where they are known."""
    rows = []
    for layer in layers:
        occupied = layer.grid.occupied(layer.weight)
        rows.append(
            LayerSparsity(
                name=layer.name,
                shape=layer.grid.shape,
                elements=layer.weight.numel(),
                zeros=layer.weight.numel() - int(torch.count_nonzero(layer.weight.detach())),
                blocks=occupied.numel(),
                zero_blocks=occupied.numel() - int(torch.count_nonzero(occupied)),
                kept_norm=(kept or {}).get(layer.name),
                reason=layer.reason,
            )
        )
    return SparsityReport(block, tuple(rows))


def align(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table as lines: the first two columns to the left, numbers to the right."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = []
    for row in cells:
        line = "  ".join(
            cell.rjust(width) if 2 <= column < 5 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(line.rstrip())
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _share(layers: Iterable[LayerSparsity]) -> float:
    rows = list(layers)
    elements = sum(row.elements for row in rows)
    return sum(row.zeros for row in rows) / elements if elements else 0.0

"""uint8 activations become int8: the same codes and zero points, 128 lower."""

from __future__ import annotations

import torch
from torch import fx

_OFFSET = 128


def move_to_int8(module: fx.GraphModule) -> None:
    """Rewrites each uint8 quantize whose codes nobody but dequantize nodes reads, and those."""
    library = torch.ops.quantized_decomposed
    for node in module.graph.nodes:
        if node.target is not library.quantize_per_tensor.default or node.args[5] != torch.uint8:
            continue
        readers = list(node.users)
        if all(
            r.target is library.dequantize_per_tensor.default and r.args[5] == torch.uint8 for r in readers
        ):
            for rewritten in (node, *readers):
                x, scale, zero_point, low, high, _ = rewritten.args
                rewritten.args = (x, scale, zero_point - _OFFSET, low - _OFFSET, high - _OFFSET, torch.int8)

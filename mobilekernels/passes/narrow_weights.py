"""Weight codes of -128 become -127: the kernels accept [-127, 127].

PyTorch's symmetric observers divide by amax / 127.5, so a channel's largest weight, if negative, is -127.5
codes and rounds to the even -128. The code -127 is exactly as near to the weight that was trained.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import fx

from mobilekernels.passes.qdq import add_constant, constant, is_constant, is_weight_dequantize


def narrow_weights(module: fx.GraphModule) -> dict[str, int]:
    """Rewrites the int8 constants; gives how many codes were moved, by the name of the constant's node."""
    moved: dict[str, int] = {}
    for node in list(module.graph.nodes):
        if not _is_weight(node):
            continue
        codes = constant(module, node)
        count = int((codes == -128).sum()) if codes.dtype == torch.int8 else 0
        if count:
            node.target = add_constant(module, f"{node.name}_narrow", codes.clamp(min=-127))
            moved[node.name] = count
    return moved


def _is_weight(node: Any) -> TypeGuard[fx.Node]:
    if not is_constant(node):
        return False
    readers = list(node.users)
    return bool(readers) and all(is_weight_dequantize(u) and u.args[0] is node for u in readers)

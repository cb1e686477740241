"""`aten.pad` with a constant becomes `aten.constant_pad_nd`, which other passes know."""

from __future__ import annotations

import torch
from torch import fx

aten = torch.ops.aten


def normalize_padding(module: fx.GraphModule) -> None:
    """Rewrites aten.pad(x, sizes, "constant", value); other modes stay."""
    for node in module.graph.nodes:
        if node.target is not aten.pad.default:
            continue
        x, sizes, *rest = node.args
        mode = rest[0] if rest else node.kwargs.get("mode", "constant")
        value = rest[1] if len(rest) > 1 else node.kwargs.get("value")
        if mode == "constant":
            node.target = aten.constant_pad_nd.default
            node.args, node.kwargs = (x, sizes, 0.0 if value is None else value), {}

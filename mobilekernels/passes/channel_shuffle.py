"""reshape, transpose, reshape: a channel shuffle."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.passes.qdq import sole_user
from mobilekernels.passes.shapes import shape_of

aten = torch.ops.aten


def recognise_channel_shuffle(module: fx.GraphModule) -> None:
    """Rewrites [N,C,H,W] -> [N,g,C/g,H,W] -> transpose(1, 2) -> [N,C,H,W] as aten.channel_shuffle.

    Needs example shapes (`shapes.propagate_shapes`).
    """
    graph = module.graph
    for last in list(graph.nodes):
        groups_and_source = _match(last)
        if groups_and_source is None:
            continue
        groups, source = groups_and_source
        with graph.inserting_before(last):
            shuffle = graph.call_function(aten.channel_shuffle.default, (source, groups))
        shuffle.meta = dict(last.meta)
        last.replace_all_uses_with(shuffle)
    graph.eliminate_dead_code()


def _match(last: fx.Node) -> tuple[int, fx.Node] | None:
    if last.target is not aten.reshape.default:
        return None
    swap: Any = last.args[0]
    if not _is_swap(swap) or sole_user(swap) is not last:
        return None
    first: Any = swap.args[0]
    if (
        not isinstance(first, fx.Node)
        or first.target is not aten.reshape.default
        or sole_user(first) is not swap
    ):
        return None
    source: Any = first.args[0]
    given, split, result = shape_of(source), shape_of(first), shape_of(last)
    if given is None or split is None or len(given) != 4 or len(split) != 5 or result != given:
        return None
    batch, channels, height, width = given
    groups = split[1]
    if split != (batch, groups, channels // groups, height, width):
        return None
    if not _keeps(first.args[1], source, (0, None, None, 2, 3)) or not _keeps(
        last.args[1], source, (0, None, 2, 3)
    ):
        return None
    return groups, source


def _is_swap(node: Any) -> bool:
    if not isinstance(node, fx.Node):
        return False
    if node.target is aten.transpose.int:
        return sorted(d % 5 for d in node.args[1:3]) == [1, 2]  # type: ignore[operator]
    return node.target is aten.permute.default and list(node.args[1]) == [0, 2, 1, 3, 4]  # type: ignore[arg-type]


def _keeps(sizes: Any, source: fx.Node, dims: tuple[int | None, ...]) -> bool:
    """Whether the sizes are those of `source` at any input, not just at the example's.

    A number stands for itself (at another size the source refuses), so does -1; a computed size must be
    read from the source itself, or be the batch of an input.
    """
    for size, dim in zip(sizes, dims, strict=True):
        if isinstance(size, int) or dim is None:
            continue
        if not isinstance(size, fx.Node) or size.target is not aten.sym_size.int or size.args[1] != dim:
            return False
        of: Any = size.args[0]
        if of is not source and not (dim == 0 and of.op == "placeholder"):
            return False
    return True

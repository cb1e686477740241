"""Operators that change nothing in evaluation mode: dropped."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

aten = torch.ops.aten

_IDENTITIES = (
    aten.contiguous.default, aten.clone.default, aten.detach.default, aten.alias.default,
    aten.lift_fresh_copy.default, aten.detach_.default,
)  # fmt: skip
_DROPOUTS = (
    aten.dropout.default, aten.feature_dropout.default, aten.alpha_dropout.default,
    aten.feature_alpha_dropout.default,
)  # fmt: skip
_CHECKS = ("aten::_assert_tensor_metadata", "aten::_assert_scalar", "aten::_assert_async",
           "aten::sym_constrain_range", "aten::sym_constrain_range_for_size")  # fmt: skip


def remove_noops(module: fx.GraphModule) -> None:
    """Drops identities, copies, dropout and shape assertions; `view` becomes `reshape`.

    A view needs contiguous memory, which dropping a `contiguous` may take from it; a reshape does not.
    """
    graph = module.graph
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        if node.target in (aten.view.default, aten._unsafe_view.default):
            node.target = aten.reshape.default
        if node.target in _IDENTITIES or _is_idle_dropout(node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif _is_check(node.target) and not node.users:
            graph.erase_node(node)
    graph.eliminate_dead_code()


def _is_idle_dropout(node: fx.Node) -> bool:
    if node.target not in _DROPOUTS:
        return False
    _, probability, training = node.args
    return bool(not training or probability == 0)


def _is_check(target: Any) -> bool:
    return isinstance(target, torch._ops.OpOverload) and target._schema.name in _CHECKS

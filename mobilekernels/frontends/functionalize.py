"""In-place ATen operators become functional ones, so that later passes may share and reorder values."""

from __future__ import annotations

import operator

import torch
from torch import fx

# Their result is a view: writing into it writes into what it was made from.
_VIEWS = {
    "view", "reshape", "flatten", "transpose", "permute", "slice", "select", "squeeze", "unsqueeze", "chunk",
    "split", "expand", "narrow", "t", "unbind", "detach", "alias", "contiguous",
}  # fmt: skip


def functionalize(graph: fx.Graph) -> None:
    """Rewrites `x.op_()` as `y = op(x)` with later users of x reading y.

    Raises:
        NotImplementedError: the operator writes into an input of the model, or through a view that has
            other users.
    """
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in list(graph.nodes):
        functional = _functional(node)
        if functional is None:
            continue
        mutated = node.args[0]
        _refuse_aliases(node, mutated, order)
        node.target = functional
        for user in list(mutated.users):
            if order[user] > order[node]:
                user.replace_input_with(mutated, node)


def _functional(node: fx.Node) -> torch._ops.OpOverload | None:
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return None
    schema = target._schema
    name = schema.name.split("::")[1]
    first = schema.arguments[0] if schema.arguments else None
    writes = first is not None and first.alias_info is not None and first.alias_info.is_write
    if not writes or not name.endswith("_"):
        return None
    packet = getattr(torch.ops.aten, name[:-1], None)
    overload: torch._ops.OpOverload | None = getattr(packet, schema.overload_name or "default", None)
    if overload is None:
        raise NotImplementedError(
            f"model: {node.name} is the in-place {target}, which has no functional form"
        )
    return overload


def _refuse_aliases(node: fx.Node, mutated: fx.Node, order: dict[fx.Node, int]) -> None:
    if mutated.op in ("placeholder", "get_attr"):
        raise NotImplementedError(
            f"model: {node.name} ({node.target}) writes into {mutated.name}, an input or a constant of "
            "the model; accepted operators that leave them as they are"
        )
    for user in mutated.users:
        if _is_view(user) and order[user] < order[node] and any(order[u] > order[node] for u in user.users):
            raise NotImplementedError(
                f"model: {node.name} ({node.target}) writes into {mutated.name}, of which {user.name} is "
                "a view that is used later; accepted in-place operators on values of their own"
            )
    base = mutated
    while _is_view(base):
        base = base.all_input_nodes[0]
        if base.op == "placeholder" or len(base.users) > 1:
            raise NotImplementedError(
                f"model: {node.name} ({node.target}) writes through a view of {base.name}, which is used "
                "elsewhere; accepted in-place operators on values of their own"
            )


def _is_view(node: fx.Node) -> bool:
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name.split("::")[1] in _VIEWS
    return node.target is operator.getitem

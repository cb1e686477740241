"""Make the in-place operators of an exported graph functional where that changes nothing.

Observers sit between an operator and its reader; an operator that writes into its own input would leave the
other readers of that input with a value that no observer has seen.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from mobilekernels.quantization.operators import FUNCTIONAL, is_move


def functionalize(model: GraphModule) -> int:
    """Replace in-place operators by their functional twins, in place; returns how many were replaced.

    Later readers of the overwritten tensor read the result instead, as they did before. An operator that
    writes
    into a view of another tensor stays as it was: its effect on the base cannot be said by its result alone.
    """
    order = {node: position for position, node in enumerate(model.graph.nodes)}
    replaced = 0
    for node in list(model.graph.nodes):
        target = node.args[0] if node.args else None
        if node.op != "call_function" or node.target not in FUNCTIONAL or not isinstance(target, Node):
            continue
        if target.op == "placeholder" or is_move(target) or any(is_move(user) for user in target.users):
            continue
        for user in list(target.users):
            if order[user] > order[node]:
                user.replace_input_with(target, node)
        node.target = FUNCTIONAL[node.target]
        replaced += 1
    model.recompile()
    return replaced

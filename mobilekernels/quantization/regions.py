"""Find the regions of a float graph that are a function of one tensor, value by value.

``x * sigmoid(x)``, ``x * relu6(x + 3) / 6`` and a plain ``gelu(x)`` are all 256 numbers once ``x`` is int8:
one table look-up, if nothing inside is rounded. The quantizer therefore observes what goes into a region and
what comes out of it, and nothing between.
"""

from __future__ import annotations

from collections.abc import Set

from torch.fx import Graph, Node

from mobilekernels.quantization.operators import float_inputs, is_elementwise


def find_regions(graph: Graph, barriers: Set[Node] = frozenset()) -> dict[Node, Node]:
    """Map each node of a region to the region's root, the one tensor that it is a function of.

    A node whose value leaves its region while the region goes on needs a value of its own outside: it ends
        its
    region, and what follows starts a new one with that node as root.

    Args:
        graph: the annotated graph's nodes, in topological order.
        barriers: nodes that may not be in a region, such as clamps that belong to a convolution.
    """
    ends: set[Node] = set()
    while True:
        roots = _assign_roots(graph, barriers, ends)
        leaking = {node for node, root in roots.items() if node not in ends and _leaks(node, root, roots)}
        if not leaking:
            return roots
        ends |= leaking


def leaves_region(node: Node, roots: dict[Node, Node]) -> bool:
    """Whether a region's node is read outside its region (so that it is the region's output)."""
    return any(roots.get(user) is not roots[node] for user in node.users)


def _leaks(node: Node, root: Node, roots: dict[Node, Node]) -> bool:
    inside = [roots.get(user) is root for user in node.users]
    return any(inside) and not all(inside)


def _assign_roots(graph: Graph, barriers: Set[Node], ends: Set[Node]) -> dict[Node, Node]:
    roots: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.op != "call_function" or node in barriers or not is_elementwise(node):
            continue
        sources = {source if source in ends else roots.get(source, source) for source in float_inputs(node)}
        if len(sources) == 1:
            roots[node] = sources.pop()
    return roots

"""Names of modules that stay in float."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch.fx import GraphModule, Node


class SkipPatterns:
    """Shell patterns over dotted module names, as ``named_modules`` spells them.

    A pattern matches a module and everything inside it: ``"classifier"``, ``"features.0"``, ``"*.block.2"``.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        if isinstance(patterns, str) or not all(isinstance(pattern, str) for pattern in patterns):
            raise TypeError(
                f"skip: given {patterns!r}; accepted is a sequence of name patterns, such as ('classifier*',)"
            )
        self.patterns = tuple(patterns)
        self._used: set[str] = set()

    def matches(self, node: Node) -> bool:
        """Whether the node comes from a module that a pattern names."""
        if not self.patterns:
            return False
        names = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
        hits = [p for p in self.patterns if any(fnmatchcase(name, p) for name in names if name)]
        self._used.update(hits)
        return bool(hits)

    def check_used(self, model: GraphModule) -> None:
        """Raise ValueError for a pattern that named nothing: a misspelt name must not pass in silence."""
        unused = [pattern for pattern in self.patterns if pattern not in self._used]
        if unused:
            known = dict.fromkeys(
                path
                for node in model.graph.nodes
                for path, _ in (node.meta.get("nn_module_stack") or {}).values()
                if path
            )
            some = ", ".join(list(known)[:12])
            raise ValueError(
                f"skip: {unused} match no module of the model; accepted are names such as {some} ..."
            )

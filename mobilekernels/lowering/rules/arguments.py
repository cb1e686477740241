"""Reading the arguments of ATen calls."""

from __future__ import annotations

from typing import Any

from torch import fx


def pair(value: Any) -> list[int]:
    """ATen lets one number stand for two."""
    if isinstance(value, int):
        return [value, value]
    return [value[0], value[0]] if len(value) == 1 else list(value)


def arguments(node: fx.Node, **defaults: Any) -> tuple[Any, ...]:
    """The arguments after the first, in the schema's order, with its defaults for those left out."""
    given = node.args[1:]
    rest = list(defaults.items())[len(given) :]
    return (*given, *(node.kwargs.get(name, default) for name, default in rest))

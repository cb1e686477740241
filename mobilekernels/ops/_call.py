"""How a wrapper calls its op: devices checked first, errors made typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mobilekernels.errors import bad_argument, translate


def call(op: Any, tensors: Mapping[str, Tensor], *arguments: Any) -> Tensor:
    """``op(*arguments)``; ``tensors`` are those among the arguments, by name.

    Raises ValueError, TypeError or NotImplementedError, whose text names the op and the argument.
    """
    # A compiler traces through here with fake tensors; its guards and the fakes do the checking.
    if torch.compiler.is_compiling():
        result: Tensor = op(*arguments)
        return result
    name = op._schema.name.partition("::")[2]
    for argument, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise bad_argument(TypeError, name, argument, type(tensor).__name__, "torch.Tensor")
        if tensor.device.type != "cpu":
            raise bad_argument(
                NotImplementedError, name, argument, f"a tensor on {tensor.device}", "a tensor on cpu"
            )
    try:
        result = op(*arguments)
    except RuntimeError as exc:
        typed = translate(exc)
        if typed is exc:
            raise
        raise typed from None
    return result

"""`.ptl`: PyTorch's lite interpreter, for apps that still have it. Loads after `import mobilekernels`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from mobilekernels.errors import FormatError
from mobilekernels.export.contents import Contents, of_texts

aten = torch.ops.aten

DEPRECATED = (
    "export: path: PyTorch has deprecated the lite interpreter, which .ptl files are for, and names "
    "ExecuTorch as its successor: export to .pte"
)


# What takes sizes. Tracers follow sizes through methods of tensors, not through calls of overloads.
_SIZED = {aten.view.default: "view", aten.reshape.default: "reshape", aten.expand.default: "expand"}


def write(module: fx.GraphModule, inputs: tuple[Any, ...], path: Path) -> None:
    """Traces the module, which is changed, for `torch.jit.mobile._load_for_lite_interpreter`."""
    for node in module.graph.nodes:
        if node.target is aten.sym_size.int:
            node.op, node.target = "call_method", "size"
        elif node.target in _SIZED:
            node.op, node.target = "call_method", _SIZED[node.target]
    module.recompile()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that tracing is deprecated, too, and that it does not follow guards
        traced = torch.jit.trace(module, inputs, check_trace=False)
        traced._save_for_lite_interpreter(str(path))


def load(path: Path) -> Any:
    """The lite interpreter's module."""
    from torch.jit.mobile import _load_for_lite_interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _load_for_lite_interpreter(str(path))


def read(path: Path) -> Contents:
    """Raises FormatError for a file that cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The archive holds the graph, too, beside the lite interpreter's code.
            module = torch.jit.load(path)
    except Exception as error:
        raise FormatError(
            f"{path}: cannot be read as a .ptl file: {type(error).__name__}: {error}"
        ) from error
    graph = module.inlined_graph
    ops = tuple(of_texts(_calls(graph), "torch"))
    packed: list[Tensor] = [tensor for tensor in module.buffers() if tensor.dtype == torch.int8]
    return Contents(".ptl", ops, "", path.stat().st_size, sum(tensor.nbytes for tensor in packed))


def _calls(graph: torch._C.Graph) -> Iterator[tuple[str, str | None]]:
    for node in graph.nodes():
        if node.kind().startswith("prim::"):
            continue
        inputs = list(node.inputs())
        program: Any = inputs[2].toIValue() if node.kind() == "mobilekernels::segment" else None
        yield node.kind(), program

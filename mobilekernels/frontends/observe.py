"""One run of a quantized FX graph on example inputs, to see which tensors are quantized, and how.

PyTorch's own operators decide the parameters of results that carry none in the graph (pooling, sigmoid,
cat ...); asking them is surer than repeating their rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from mobilekernels.qparams import QParams

# Codes of a dtype minus the offset are int8 codes.
INT8_OFFSETS = {torch.quint8: 128, torch.qint8: 0}


@dataclass(frozen=True)
class Observed:
    """What a node gave: the parameters in int8 if it is a quantized tensor; dtype and rank if a tensor."""

    qparams: QParams | None = None
    dtype: torch.dtype | None = None
    rank: int = 0


class _Observer(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.seen: dict[fx.Node, Observed] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.seen[n] = _observe(n, result)
        return result


def observe(module: fx.GraphModule, example_inputs: tuple[Any, ...]) -> dict[fx.Node, Observed]:
    """Runs `module` once.

    Raises:
        ValueError: the model does not run on the example inputs.
    """
    observer = _Observer(module)
    try:
        with torch.no_grad():
            observer.run(*example_inputs)
    except Exception as error:  # whatever the model raises, the cause is the pair of model and inputs
        raise ValueError(f"example_inputs: the model does not run on them: {error}") from error
    return observer.seen


def _observe(node: fx.Node, result: Any) -> Observed:
    if not isinstance(result, torch.Tensor):
        return Observed()
    if not result.is_quantized:
        return Observed(None, result.dtype, result.dim())
    if result.dtype not in INT8_OFFSETS or result.qscheme() != torch.per_tensor_affine:
        raise NotImplementedError(
            f"model: {node.name} is {result.dtype} with {result.qscheme()}, accepted activations of "
            "quint8 or qint8 with per-tensor parameters"
        )
    params = QParams(result.q_scale(), result.q_zero_point() - INT8_OFFSETS[result.dtype])
    return Observed(params, result.dtype, result.dim())

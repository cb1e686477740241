"""Small canonical graphs, written by hand, for tests of passes and lowering rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.ao.quantization.fx._decomposed  # registers torch.ops.quantized_decomposed
from torch import fx

from mobilekernels.frontends.builder import Builder
from mobilekernels.passes.shapes import propagate_shapes
from mobilekernels.qparams import QParams

aten = torch.ops.aten
GRID = QParams(0.05, 3)
OTHER_GRID = QParams(0.07, -20)


def build(body: Callable[..., Any], *inputs: torch.Tensor) -> fx.GraphModule:
    """The graph of `body(builder, *placeholders)`, with the shapes of `inputs`."""
    builder = Builder()
    placeholders = [builder.graph.placeholder(f"x{i}") for i in range(len(inputs))]
    builder.graph.output(body(builder, *placeholders))
    module = builder.finish()
    propagate_shapes(module, inputs)
    return module


def weight(builder: Builder, shape: tuple[int, ...], seed: int = 0) -> fx.Node:
    """A per-channel int8 weight with codes in [-127, 127]."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8)
    scales = torch.rand(shape[0], generator=generator, dtype=torch.float64) * 0.01 + 0.001
    return builder.call(
        torch.ops.quantized_decomposed.dequantize_per_channel.default,
        builder.constant("codes", codes),
        builder.constant("scales", scales),
        builder.constant("zero_points", torch.zeros(shape[0], dtype=torch.int64)),
        0,
        -127,
        127,
        torch.int8,
    )


def bias(builder: Builder, channels: int, seed: int = 1) -> fx.Node:
    generator = torch.Generator().manual_seed(seed)
    return builder.constant("bias", torch.randn(channels, generator=generator))


def targets(module: fx.GraphModule) -> list[Any]:
    """What the graph calls, in order."""
    return [n.target for n in module.graph.nodes if n.op == "call_function"]


def count(module: fx.GraphModule, target: Any) -> int:
    return targets(module).count(target)


def names(module: fx.GraphModule) -> list[str]:
    """Short names of what the graph calls, without the constants' dequantizes."""
    return [str(t).split(".")[0 if callable(t) and not hasattr(t, "_schema") else 1] for t in targets(module)]


def assert_keeps_results(
    module: fx.GraphModule, rewrite: Callable[[fx.GraphModule], Any], *inputs: torch.Tensor
) -> None:
    """Runs a pass and asserts that the graph gives the very same numbers as before."""
    before = module(*inputs)
    rewrite(module)
    module.graph.lint()
    module.recompile()
    after = module(*inputs)
    torch.testing.assert_close(after, before, rtol=0, atol=0, equal_nan=True)


def image(*shape: int, seed: int = 0, spread: float = 3.0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * spread

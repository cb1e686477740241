"""A canonical graph under construction."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from mobilekernels.qparams import QParams


class Builder:
    """Appends nodes to `graph`; constants and modules go into `root`."""

    def __init__(self) -> None:
        self.graph = fx.Graph()
        self.root = nn.Module()

    def call(self, target: Any, *args: Any) -> fx.Node:
        return self.graph.call_function(target, args)

    def constant(self, name: str, tensor: torch.Tensor) -> fx.Node:
        """A get_attr node of a new buffer; `name` is made unique."""
        base = name.replace(".", "_")
        unique, count = base, 0
        while hasattr(self.root, unique):
            count += 1
            unique = f"{base}_{count}"
        self.root.register_buffer(unique, tensor.detach().clone())
        return self.graph.get_attr(unique)

    def module(
        self, target: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> fx.Node:
        """A call of `module`, kept under its old name."""
        parent = self.root
        *path, leaf = target.split(".")
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, nn.Module())
            parent = getattr(parent, part)
        parent.add_module(leaf, module)
        return self.graph.call_module(target, args, kwargs)

    def quantize(self, x: fx.Node, params: QParams) -> fx.Node:
        """quantize_per_tensor, then dequantize_per_tensor."""
        library = torch.ops.quantized_decomposed
        settings = (params.scale, params.zero_point, params.low, params.high, torch.int8)
        codes = self.call(library.quantize_per_tensor.default, x, *settings)
        return self.call(library.dequantize_per_tensor.default, codes, *settings)

    def weight(self, name: str, weight: torch.Tensor) -> fx.Node:
        """A quantized (qint8) weight as an int8 constant and its dequantization."""
        library = torch.ops.quantized_decomposed
        codes = self.constant(f"{name}_codes", weight.int_repr())
        if weight.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            return self.call(
                library.dequantize_per_tensor.default,
                codes,
                weight.q_scale(),
                weight.q_zero_point(),
                -128,
                127,
                torch.int8,
            )
        scales = self.constant(f"{name}_scales", weight.q_per_channel_scales())
        zero_points = self.constant(f"{name}_zero_points", weight.q_per_channel_zero_points())
        return self.call(
            library.dequantize_per_channel.default,
            codes,
            scales,
            zero_points,
            weight.q_per_channel_axis(),
            -128,
            127,
            torch.int8,
        )

    def finish(self) -> fx.GraphModule:
        module = fx.GraphModule(self.root, self.graph)
        module.graph.eliminate_dead_code()
        module.delete_all_unused_submodules()
        module.recompile()
        return module

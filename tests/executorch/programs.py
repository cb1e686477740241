"""Models as `.pte` files, with nothing of ExecuTorch's own in between."""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import Any

import torch
from torch import nn


def lower(model: nn.Module, inputs: tuple[Any, ...], dynamic_shapes: Any = None) -> bytes:
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        exported = torch.export.export(model, inputs, dynamic_shapes=dynamic_shapes)
        edge = to_edge_transform_and_lower(
            exported, compile_config=EdgeCompileConfig(_check_ir_validity=False)
        )
        return bytes(edge.to_executorch().buffer)


def seal(program: bytes, version: int = 1) -> bytes:
    """With the trailer that csrc/bindings/executorch/trailer.h describes."""
    return program + struct.pack("<8sQII", b"mkernels", len(program), version, zlib.crc32(program))

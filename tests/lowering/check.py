"""Asserts that a lowered graph gives, at every int8 tensor, the bytes of the reference execution."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from mobilekernels.frontends import to_canonical
from mobilekernels.lowering import lower
from mobilekernels.lowering.fuse_residual import fuse_residual_adds
from mobilekernels.lowering.values import Layout
from mobilekernels.passes import prepare
from mobilekernels.passes.narrow_weights import narrow_weights
from tests.lowering.canonical_executor import CanonicalExecutor


class _Capture(fx.Interpreter):
    """Keeps the int8 result of every node that stands for a canonical one, in logical order."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.codes: dict[str, torch.Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        name = n.meta.get("canonical_name")
        if name is not None:
            image = n.meta["layout"] is Layout.NHWC
            self.codes[name] = result.permute(0, 3, 1, 2) if image else result
        return result


def assert_converts_exactly(model: Any, inputs: tuple[torch.Tensor, ...], quanta: int = 1) -> None:
    """`assert_lowers_exactly` for a quantized model of any kind."""
    canonical = to_canonical(model, inputs)
    narrow_weights(canonical)
    assert_lowers_exactly(canonical, inputs, quanta)


def assert_lowers_exactly(
    canonical: fx.GraphModule, inputs: tuple[torch.Tensor, ...], quanta: int = 1
) -> tuple[fx.GraphModule, dict[str, str]]:
    """Byte equality of every int8 tensor and of the outputs; each operator within `quanta` of float.

    Gives the lowered graph and the reasons of the operators that stayed in float, by name.
    """
    prepare(canonical, inputs)
    lowered = lower(canonical)
    fuse_residual_adds(lowered.module)
    with torch.no_grad():
        expected = CanonicalExecutor(canonical)
        expected_output = expected.run(*inputs)
        actual = _Capture(lowered.module)
        actual_output = actual.run(*inputs)
    assert actual.codes
    for name, codes in actual.codes.items():
        wrong = int((codes != expected.codes[name]).sum())
        assert wrong == 0, f"{name}: {wrong} of {codes.numel()} codes differ from the reference"
    torch.testing.assert_close(actual_output, expected_output, rtol=0, atol=0)
    far = {name: distance for name, distance in expected.worst.items() if distance > quanta}
    assert not far, f"more than {quanta} quanta from the float operator: {far}"
    return lowered.module, {note.node.name: note.reason for note in lowered.notes if note.reason}

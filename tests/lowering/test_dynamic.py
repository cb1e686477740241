"""PT2E's dynamically quantized linear layers on linear_dynamic: codes of PyTorch, bytes of the reference."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import pytest
import torch
from torch import fx, nn

import mobilekernels as mk
from mobilekernels.frontends import to_canonical
from mobilekernels.lowering import lower
from mobilekernels.metrics import sqnr
from mobilekernels.passes import canonical_ops, prepare
from mobilekernels.passes.dynamic_grid import recognise_dynamic_grids
from mobilekernels.passes.narrow_weights import narrow_weights
from tests import reference
from tests.passes.graphs import assert_keeps_results, aten, bias, build, count, weight

ours = torch.ops.mobilekernels
library = torch.ops.quantized_decomposed
ROADS = ("xnnpack", "x86_inductor")
X = torch.randn(3, 5, 24, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Two layers with an activation between, one without a bias; a second reader of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down, self.gate = nn.Linear(24, 60), nn.Linear(60, 24, bias=False), nn.Linear(24, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(torch.nn.functional.gelu(self.up(x))) + self.gate(x)


def quantize(model: nn.Module, x: torch.Tensor, road: str = "xnnpack") -> Any:
    pt2e = pytest.importorskip("torchao.quantization.pt2e.quantize_pt2e", reason="PT2E quantization")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(
            model.eval(), (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
        ).module()
        prepared = pt2e.prepare_pt2e(exported, _quantizer(road))
        prepared(x)
        return pt2e.convert_pt2e(prepared)


def _quantizer(road: str) -> Any:
    if road == "xnnpack":
        module = pytest.importorskip(
            "executorch.backends.xnnpack.quantizer.xnnpack_quantizer", reason="XNNPACKQuantizer"
        )
        config = module.get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
        return module.XNNPACKQuantizer().set_global(config)
    module = pytest.importorskip(
        "torchao.quantization.pt2e.quantizer.x86_inductor_quantizer", reason="X86InductorQuantizer"
    )
    config = module.get_default_x86_inductor_quantization_config(is_dynamic=True)
    return module.X86InductorQuantizer().set_global(config)


def run(model: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(x)


def network() -> Net:
    torch.manual_seed(1)
    return Net()


class ByReference(fx.Interpreter):
    """Each linear_dynamic by tests/reference.py."""

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is not ours.linear_dynamic.default:
            return super().call_function(target, args, kwargs)
        x, packed, bias_, _, per_row, symmetric, low, high, eps = args
        unpacked = mk.packing.unpack(packed)
        out = reference.linear_dynamic(
            x.numpy(),
            unpacked.weight[:, :, 0, 0].numpy(),
            unpacked.scale.numpy(),
            bias_.numpy(),
            per_row=per_row,
            symmetric=symmetric,
            quant_min=low,
            quant_max=high,
            eps=eps,
        )
        return torch.from_numpy(out)


@pytest.mark.parametrize("road", ROADS)
def test_bytes_are_those_of_the_reference(road: str) -> None:
    canonical = to_canonical(quantize(network(), X, road), (X,))
    narrow_weights(canonical)
    prepare(canonical, (X,))
    lowered = lower(canonical)
    assert count(lowered.module, ours.linear_dynamic.default) == 3
    assert not any("quantized_decomposed" in str(n.target) for n in lowered.module.graph.nodes)
    expected = ByReference(lowered.module).run(X)
    torch.testing.assert_close(run(lowered.module, X), expected, rtol=0, atol=0)


def test_one_layer_is_pytorchs_up_to_roundings() -> None:
    """Same codes, so nothing but the roundings of a float sum differs."""
    torch.manual_seed(2)
    quantized = quantize(nn.Sequential(nn.Linear(24, 60)), X)
    converted, _ = mk.convert(quantized, X)
    for x in (X, X[:1] * 100, torch.zeros_like(X)):
        torch.testing.assert_close(run(converted, x), run(quantized, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("road", ROADS)
def test_a_network_and_its_report(road: str) -> None:
    model = network()
    quantized = quantize(model, X, road)
    converted, report = mk.convert(quantized, X)
    layers = [layer for layer in report.layers if layer.op == "linear"]
    assert [layer.status for layer in layers] == ["ours"] * 3
    assert all(layer.kernel.startswith("gemm/") and layer.macs and layer.weight_bytes for layer in layers)
    for x in (X, X[:1], torch.cat([X, X])):
        # A code may be the next one where an input differs by a rounding.
        torch.testing.assert_close(run(converted, x), run(quantized, x), rtol=0, atol=0.01)
        assert sqnr(run(model, x), run(converted, x)) > 25


def test_pruned_weights_run_sparse_with_the_same_bytes() -> None:
    pruned = mk.prune(network(), 0.7, block=(4, 4), scope="layer", skip_first=False, skip_last=False)
    quantized = quantize(pruned, X)
    expected = run(mk.convert(quantized, X, sparse="never")[0], X)
    for sparse in ((4, 4), (1, 4), "always"):
        converted, report = mk.convert(quantized, X, sparse=sparse)
        kernels = {layer.kernel.split("/")[0] for layer in report.layers if layer.op == "linear"}
        assert kernels == {"spgemm"}
        torch.testing.assert_close(run(converted, X), expected, rtol=0, atol=0)


def test_exported_programs_with_it_run_elsewhere() -> None:
    converted, _ = mk.convert(quantize(network(), X), X)
    program = torch.export.export(converted, (X,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    x = torch.cat([X, X * 2])
    torch.testing.assert_close(run(program.module(), x), run(converted, x), rtol=0, atol=0)


# --- the pass


def chain(b: Any, x: Any, source: Any = None, dtype: torch.dtype = torch.int8, low: int = -128) -> Any:
    codes = (low, low + 255, dtype)
    chosen = b.call(library.choose_qparams.tensor, source or x, low, low + 255, 2.0**-12, dtype)
    scale, zero_point = (b.call(operator.getitem, chosen, i) for i in range(2))
    q = b.call(library.quantize_per_tensor.tensor, x, scale, zero_point, *codes)
    return b.call(library.dequantize_per_tensor.tensor, q, scale, zero_point, *codes)


@pytest.mark.parametrize(("dtype", "low"), [(torch.int8, -128), (torch.uint8, 0)])
def test_five_nodes_become_one(dtype: torch.dtype, low: int) -> None:
    module = build(lambda b, x: chain(b, x, dtype=dtype, low=low), X)
    assert_keeps_results(module, recognise_dynamic_grids, X)
    (grid,) = (n for n in module.graph.nodes if n.op == "call_function")
    assert grid.target is canonical_ops.dynamic_grid
    assert grid.args[1:] == (-128, 127, 2.0**-12)


def test_a_grid_of_other_values_stays() -> None:
    module = build(lambda b, x, y: chain(b, x, y), X, X * 2)
    assert_keeps_results(module, recognise_dynamic_grids, X, X * 2)
    assert count(module, canonical_ops.dynamic_grid) == 0


def test_other_readers_keep_the_grid_and_are_told() -> None:
    """A linear layer and a softmax behind one grid: each gets what it can read."""

    def body(b: Any, x: Any) -> Any:
        grid = chain(b, x)
        linear = b.call(aten.linear.default, grid, weight(b, (60, 24)), bias(b, 60))
        return linear, b.call(aten.softmax.int, grid, -1)

    module = build(body, X)
    expected = module(X)
    prepare(module, (X,))
    lowered = lower(module)
    assert count(lowered.module, ours.linear_dynamic.default) == 1
    reasons = {note.node.target: note.reason for note in lowered.notes}
    assert "only linear has a kernel" in reasons[canonical_ops.dynamic_grid]
    linear, softmax = lowered.module(X)
    torch.testing.assert_close(softmax, expected[1], rtol=0, atol=0)
    torch.testing.assert_close(linear, expected[0], rtol=1e-5, atol=1e-5)


def test_a_weight_in_float_leaves_the_layer_to_pytorch() -> None:
    def body(b: Any, x: Any) -> Any:
        plain = b.constant("w", torch.randn(8, 24, generator=torch.Generator().manual_seed(3)))
        return b.call(aten.linear.default, chain(b, x), plain)

    module = build(body, X)
    expected = module(X)
    prepare(module, (X,))
    lowered = lower(module)
    assert [note.reason for note in lowered.notes] == ["weight w is not a quantized int8 constant"]
    torch.testing.assert_close(lowered.module(X), expected, rtol=0, atol=0)

"""Pruned networks on sparse kernels: the bytes of the dense conversion, on every instruction set."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels.bench.layers import layers_of
from mobilekernels.segments.profile import profile
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS
from tests.frontends.quantized import quantize, settle_batch_norm, torchvision_model
from tests.sparsity.samples import curves

# Odd channel counts, groups, and squeeze-and-excite on one pixel are in them; ResNet18 has tests of its own.
NETWORKS = {"mobilenet_v3_large": (4, 4), "shufflenet_v2_x1_0": (1, 4)}
ISAS = [name for name, runs in mk.cpu_features().items() if runs]
X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def pruned(name: str, block: tuple[int, int], zeros: float = 0.8) -> nn.Module:
    model = mk.prune(torchvision_model(name), zeros, block=block, scope="layer")
    return settle_batch_norm(model, torch.randn(4, 3, 64, 64))


@pytest.fixture(scope="module")
def resnet18() -> Any:
    return quantize(pruned("resnet18", (4, 4)), "ours", X)


def run(model: nn.Module, x: torch.Tensor = X) -> torch.Tensor:
    with torch.no_grad():
        return model(x)


@pytest.mark.parametrize(("network", "block"), NETWORKS.items())
def test_networks(network: str, block: tuple[int, int]) -> None:
    quantized = quantize(pruned(network, block), "ours", X)
    expected = run(mk.convert(quantized, X, sparse="never")[0])
    for sparse in (*SPARSE_BLOCKS, "always"):
        converted, report = mk.convert(quantized, X, sparse=sparse)
        kinds = Counter(layer.kernel.split("/")[0] for layer in report.layers if layer.macs)
        assert kinds["spgemm"] > 0
        assert kinds["gemm"] == 0
        torch.testing.assert_close(run(converted), expected, rtol=0, atol=0)


@pytest.mark.parametrize("road", ["xnnpack", "x86"])
def test_other_roads(road: str) -> None:
    """Zeros survive batch norm folding and quantization of every front end."""
    quantized = quantize(pruned("squeezenet1_1", (1, 4)), road, X)
    expected = run(mk.convert(quantized, X, sparse="never")[0])
    converted, report = mk.convert(quantized, X, curves=curves(*ISAS))
    chosen = [layer for layer in report.layers if layer.block]
    assert len(chosen) > 20
    assert all(layer.sparsity > 0.79 for layer in chosen)
    torch.testing.assert_close(run(converted), expected, rtol=0, atol=0)


@pytest.mark.parametrize("isa", ISAS)
def test_isas(resnet18: Any, isa: str) -> None:
    expected = run(mk.convert(resnet18, X, sparse="never")[0])
    for block in SPARSE_BLOCKS:
        converted, _ = mk.convert(resnet18, X, sparse=block)
        with mk.dispatch.isa(isa):
            torch.testing.assert_close(run(converted), expected, rtol=0, atol=0)


def test_threads(resnet18: Any) -> None:
    converted, _ = mk.convert(resnet18, X, sparse="always")
    expected = run(converted)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            torch.testing.assert_close(run(converted), expected, rtol=0, atol=0)
    finally:
        torch.set_num_threads(before)


def test_the_report_of_a_pruned_network(resnet18: Any) -> None:
    isa = next(k.isa for k in mk.kernels() if k.family == "gemm" and k.chosen)
    converted, report = mk.convert(resnet18, X, curves=curves(isa))
    layers = [layer for layer in report.layers if layer.block]
    # All but the first, and the last.
    assert len(layers) == 19
    for layer in layers:
        assert layer.block == "4x4"
        assert layer.sparsity >= 0.8
        assert layer.occupancy["4x4"] == pytest.approx(0.2, abs=0.01)
        assert layer.gain == pytest.approx(1 / (0.05 + 1.1 * layer.occupancy["4x4"]), rel=0.01)
        assert layer.kernel.startswith("spgemm/")
    assert any("layers that skip zeros: 19 (sparse='auto'" in remark for remark in report.remarks)
    dense = mk.convert(resnet18, X, sparse="never")[1]
    assert report.to_dict()["weight_bytes"] < 0.5 * dense.to_dict()["weight_bytes"]
    assert len([n for n in converted.graph_module.graph.nodes if n.op == "call_function"]) < 4  # one segment


def test_zeros_without_a_pattern_are_told() -> None:
    isa = next(k.isa for k in mk.kernels() if k.family == "gemm" and k.chosen)
    quantized = quantize(pruned("squeezenet1_1", (1, 1), 0.6), "ours", X)
    _, report = mk.convert(quantized, X, curves=curves(isa))
    advised = [layer for layer in report.layers if layer.advice]
    assert len(advised) > 20
    assert all("block=(4, 4)" in layer.advice for layer in advised)
    assert not any(layer.block for layer in report.layers)


def test_without_curves_nothing_is_silent(resnet18: Any) -> None:
    _, report = mk.convert(resnet18, X, curves=curves("neon"), target="avx2")
    assert not any(layer.block for layer in report.layers)
    remark = next(remark for remark in report.remarks if "stay dense" in remark)
    assert remark == (
        "layers with zeros that stay dense: 19; no curve for avx2 in tests "
        "(python -m mobilekernels tune makes one)"
    )


def test_the_curves_of_the_target_decide(resnet18: Any) -> None:
    _, report = mk.convert(resnet18, X, curves=curves("neon_dotprod"), target="neon_dotprod")
    assert len([layer for layer in report.layers if layer.block]) == 19
    assert not any("not measured" in remark for remark in report.remarks)


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [("neon_dotprod", "instructions", "counted instructions"), ("avx512vnni", "model", "a model")],
)
def test_what_was_not_measured_says_so(resnet18: Any, target: str, source: str, words: str) -> None:
    """By the package's own curves, which on ARM are counted instructions, and on AVX-512 modelled."""
    _, report = mk.convert(resnet18, X, target=target)
    layers = [layer for layer in report.layers if layer.block]
    assert len(layers) > 15
    assert {layer.gain_source for layer in layers} == {source}
    assert f"{layers[0].gain:.1f}x by {source}" in str(report)
    remark = next(remark for remark in report.remarks if "not measured" in remark)
    assert remark == (
        f"gains expected on {target} are by {words}, not measured: run "
        "`python -m mobilekernels tune` on the device"
    )


def test_export_profile_and_layer_list(resnet18: Any, tmp_path: Any) -> None:
    converted, _ = mk.convert(resnet18, X, sparse=(4, 4))
    program = torch.export.export(converted, (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, tmp_path / "sparse.pt2")
    loaded = torch.export.load(tmp_path / "sparse.pt2").module()
    x = torch.cat([X, X[:1]])
    torch.testing.assert_close(run(loaded, x), run(converted, x), rtol=0, atol=0)
    found = profile(converted, (X,), calls=2)
    assert sum(row.operator.startswith("conv2d") for row in found.operators) == 20
    assert (
        len([layer for layer in layers_of(converted.graph_module, (X,)).layers if "conv" in layer.op]) == 20
    )


BAD = {
    "mode": ({"sparse": "maybe"}, ValueError, "sparse: given 'maybe'"),
    "block": ({"sparse": (2, 2)}, ValueError, r"sparse: given \(2, 2\)"),
    "curves": ({"curves": "/nowhere.json"}, mk.FormatError, "curves: /nowhere.json: cannot be read"),
    "curves' type": ({"curves": 3}, TypeError, "curves: given a int"),
    "target": ({"target": "sse"}, ValueError, "target: given 'sse', accepted one of"),
    "target's type": ({"target": 3}, TypeError, "target: given int"),
}


@pytest.mark.parametrize(("options", "error", "words"), BAD.values(), ids=BAD)
def test_bad_options(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mk.convert(None, X, **options)

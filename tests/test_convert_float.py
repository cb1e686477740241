"""Pruned float models: the layers whose zeros pay run `conv2d_f32` and `linear_f32`, all else stays."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mobilekernels as mk
from mobilekernels.converted import ConvertedModel
from mobilekernels.segments.program import Program
from mobilekernels.segments.walk import calls
from mobilekernels.sparsity.curves import Curves
from tests.sparsity.samples import curves

# Every kind of layer gains in them.
FLOAT_CURVES = Curves((), "tests", curves("scalar", "avx2", "avx512vnni", "neon", "neon_dotprod").curves)


class Net(nn.Module):
    """Batch norms, clamps behind layers that are pruned and that are not, a branch, groups, a stride."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.wide = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
        self.depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32)
        self.narrow = nn.Conv2d(32, 16, 1, groups=2)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.wide(self.stem(x))
        x = self.narrow(self.depthwise(x)) + x[:, :16]
        x = torch.cat([torch.sigmoid(x), x], 1)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def pruned(sparsity: float = 0.8) -> nn.Module:
    torch.manual_seed(0)
    model = Net()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return mk.prune(model.eval(), sparsity, block=(4, 4), scope="layer", skip=["stem.0"])


X = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def convert(model: Any, **options: Any) -> tuple[ConvertedModel, mk.Report]:
    return mk.convert(model, X, **{"curves": FLOAT_CURVES, **options})


def ops_of(model: ConvertedModel) -> list[str]:
    names = [str(target) for target, _ in calls(model.graph_module)]
    return [n.removeprefix("mobilekernels.").removesuffix(".default") for n in names if "mobilekernels" in n]


def test_the_layers_that_pay_run_sparse() -> None:
    model = pruned()
    fast, report = convert(model)
    torch.testing.assert_close(fast(X), model(X), rtol=1e-4, atol=1e-4)
    assert sorted(ops_of(fast)) == ["conv2d_f32", "conv2d_f32"]
    rows = {row.name: row for row in report.layers}
    assert report.source == "pruned float model"
    ours = [row for row in report.ours if row.block]
    assert {row.block for row in ours} == {"4x4"}
    assert all(row.kernel.startswith("spgemm_f32/") and row.gain > 1.05 for row in ours)
    # The first layer and the last were not pruned, and no depthwise weight can be.
    stock = [row for row in report.stock if row.op in ("conv2d", "linear")]
    assert len(stock) == 3
    assert all(row.reason == "input is not quantized" for row in stock)
    (clamp,) = (row for row in rows.values() if row.op in ("relu6", "hardtanh"))
    assert clamp.kernel == f"fused into {ours[0].name}"
    assert "layers that skip zeros: 2" in str(report)


def test_no_clamp_of_the_original_is_left_behind_a_sparse_layer() -> None:
    fast, _ = convert(pruned())
    left = [str(target) for target, _ in calls(fast.graph_module)]
    assert not any("relu6" in name or "hardtanh" in name for name in left)
    assert sum("relu" in name for name in left) == 1  # the stem's


@pytest.mark.parametrize("form", ["module", "exported program", "exported module", "masks"])
def test_every_form_of_a_float_model(form: str) -> None:
    model = given = pruned()
    if form.startswith("exported"):
        given = torch.export.export(model, (X,), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},))
        given = given.module() if form == "exported module" else given
    if form == "masks":
        from torch.nn.utils import prune as torch_prune

        given = pruned()
        for module in (given.wide[0], given.narrow):
            torch_prune.custom_from_mask(module, "weight", module.weight != 0)
    fast, _ = convert(given)
    assert len(ops_of(fast)) == 2
    for batch in (1, 2, 5):
        x = torch.randn(batch, 3, 12, 12)
        torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-4)


def test_channels_last_inputs() -> None:
    fast, _ = convert(pruned())
    y = fast(X.contiguous(memory_format=torch.channels_last))
    # The stem's kernel is another one then, of PyTorch's.
    torch.testing.assert_close(y, fast(X), rtol=1e-4, atol=1e-4)


def test_sparse_layers_in_a_row_are_one_segment() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(8, 32, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 16, 1)]
    model = mk.prune(nn.Sequential(*layers).eval(), 0.8, block=(4, 4), skip=[])
    x = torch.randn(1, 8, 9, 7)
    fast, _ = mk.convert(model, x, sparse=(4, 4), curves=FLOAT_CURVES)
    assert ops_of(fast) == ["conv2d_f32"] * 3
    (segment,) = (n for n in fast.graph_module.graph.nodes if "segment" in str(n.target))
    torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-4)
    inputs, constants, program = segment.args
    assert len(inputs) == 1
    packed = [fast.graph_module.get_buffer(str(node.target)) for node in constants]
    (expected,) = Program.parse(program).run([x], packed)
    assert torch.equal(fast(x), expected)


def test_the_same_bytes_on_every_instruction_set_and_any_threads() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(16, 40, 3, padding=1), nn.ReLU()).eval()
    model = mk.prune(model, 0.7, block=(4, 4), skip_first=False, skip_last=False)
    x = torch.randn(1, 16, 15, 14)
    fast, _ = mk.convert(model, x, sparse="always", curves=FLOAT_CURVES)
    assert ops_of(fast) == ["conv2d_f32"]
    before = torch.get_num_threads()
    results = []
    for isa in dict.fromkeys(k.isa for k in mk.kernels() if k.built and k.runnable):
        for threads in (1, 2, 3):
            with mk.isa(isa):
                torch.set_num_threads(threads)
                results.append(fast(x))
    torch.set_num_threads(before)
    assert all(torch.equal(result, results[0]) for result in results)


def test_zeros_that_cannot_pay_are_told() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(16, 32, 1)).eval()
    weight = model[0].weight
    with torch.no_grad():
        weight[torch.rand(weight.shape) < 0.5] = 0
    fast, report = mk.convert(model, torch.randn(1, 16, 9, 9), curves=FLOAT_CURVES)
    (row,) = report.stock
    assert row.sparsity == pytest.approx(0.5, abs=0.1)
    assert "too few whole blocks of zeros; as many zeros would pay with block=(4, 4)" in row.advice
    assert ops_of(fast) == []
    assert row.advice in str(report)


def test_without_a_curve_layers_stay_and_the_report_says_so() -> None:
    _, report = convert(pruned(), curves=Curves((), "nothing"))
    rows = [row for row in report.layers if row.advice]
    assert len(rows) == 2
    assert all("no float32 curve for" in row.advice and row.status == "stock" for row in rows)


def test_never() -> None:
    fast, report = convert(pruned(), sparse="never")
    assert ops_of(fast) == []
    assert not any(row.block for row in report.layers)


def test_float_islands_of_a_quantized_model() -> None:
    """A pruned layer that was left in float runs sparse, too."""
    model = pruned()
    quantized = mk.quantize(model, [X], skip=["wide.0"])
    fast, report = convert(quantized)
    assert ops_of(fast).count("conv2d_f32") == 1
    assert report.source == "PT2E graph module"
    torch.testing.assert_close(fast(X), quantized(X), rtol=0.1, atol=0.1)


def test_a_float_model_without_zeros_is_refused() -> None:
    with pytest.raises(ValueError, match="model: given Net without quantized operators"):
        mk.convert(Net().eval(), X)


def test_exported_files_give_the_same_bytes(tmp_path: Any) -> None:
    fast, _ = convert(pruned())
    mk.export(fast, X, tmp_path / "net.pt2")
    again = torch.export.load(tmp_path / "net.pt2").module()
    assert torch.equal(again(X), fast(X))

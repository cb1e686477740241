"""The suite of pruned layers and networks: what it runs is right, and its pages say what ran."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bench.micro.case import Case, Weights
from bench.micro.engines import Instance
from bench.micro.measure import share_close
from bench.sparse import engines, networks, report
from bench.sparse.__main__ import LAYERS, parse
from bench.sparse.layers import LayerResult, Row, measure_layer
from bench.sparse.prune import with_zeros
from mobilekernels.bench.machine import this_machine
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, zeros_of
from tests.sparsity.samples import curves

POINTWISE = Case("pointwise", 16, 12, (3, 3))
LINEAR = Case("linear", 16, 24, (5, 1), is_linear=True)
SPATIAL = Case("spatial", 8, 8, (4, 4), (3, 3), padding=(1, 1))


@pytest.mark.parametrize("block", SPARSE_BLOCKS)
def test_zeros_are_as_many_as_asked(block: tuple[int, int]) -> None:
    weights = with_zeros(SPATIAL.weights(1), block, 0.75)
    assert zeros_of(weights.codes).occupancy[block] == 0.25


@pytest.mark.parametrize("case", [POINTWISE, LINEAR, SPATIAL], ids=lambda case: case.name)
def test_a_layer(case: Case) -> None:
    found = measure_layer(case, rounds=1, shares=(0.5, 0.8))
    assert [(row.block, row.zeros) for row in found.rows] == [
        ((4, 4), 0.5),
        ((4, 4), 0.8),
        ((1, 4), 0.5),
        ((1, 4), 0.8),
    ]
    assert all(row.seconds > 0 and row.dense > 0 for row in found.rows)
    assert all(row.float_seconds > 0 and row.dense_float > 0 for row in found.rows)
    linear = {peer.name for peer in engines.SPARSE_PEERS}
    for row in found.rows:
        assert set(row.peers) == (linear if case is not SPATIAL and row.block == (1, 4) else set())
    assert set(found.absent) == (linear if case is SPATIAL else set())


def test_sparse_peers_compute_the_layer() -> None:
    """On codes that do not overflow FBGEMM's sums of 16 bits."""
    weights = with_zeros(POINTWISE.weights(1), (1, 4), 0.5)
    weights.codes.div_(4, rounding_mode="trunc")
    found = share_close(engines.fbgemm(POINTWISE, weights), POINTWISE.reference(weights))
    assert found == 1.0
    x, matrix = POINTWISE.x.float().reshape(9, 16), weights.dequantized().flatten(1).T
    torch.testing.assert_close(engines.csr(POINTWISE, weights).run(), x @ matrix + weights.bias)
    exact = 0.05 * (x - 3) @ matrix + weights.bias
    qnnpack = engines.qnnpack(POINTWISE, weights)
    with qnnpack.session():
        noise = qnnpack.run() - exact
    assert float(noise.norm() / exact.norm()) < 0.02
    with pytest.raises(EngineAbsent, match="linear layers only"):
        engines.fbgemm(SPATIAL, weights)


def test_other_bytes_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.sparse import layers

    monkeypatch.setattr(layers, "_codes", lambda instance: torch.rand(3))
    with pytest.raises(AssertionError, match="4x4 gives other bytes than dense"):
        measure_layer(POINTWISE, rounds=1, shares=(0.5,))


def test_other_floats_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.sparse import layers

    monkeypatch.setattr(layers, "ours_float", lambda block: layers.torch_float if block == (1, 4) else wrong)

    def wrong(case: Case, weights: Weights) -> Instance:
        right = layers.torch_float(case, weights).run()
        assert isinstance(right, torch.Tensor)
        return Instance(lambda: right + 1e-3 * right.abs().max(), None)

    with pytest.raises(AssertionError, match="4x4 gives other floats than PyTorch"):
        measure_layer(POINTWISE, rounds=1, shares=(0.5,))


def test_the_page(tmp_path: Path) -> None:
    rows = (
        Row((4, 4), 0.8, 1e-5, 4e-5, 3e-5, 9e-5, {}, {}),
        Row(
            (1, 4),
            0.8,
            2e-5,
            4e-5,
            6e-5,
            9e-5,
            {"fbgemm-sparse": 3e-5, "torch-csr": 7e-5},
            {"fbgemm-sparse": 0.4},
        ),
    )
    layers = [LayerResult("conv", 1_000_000, rows, {"onednn": 5e-5}, {"onednn": 0.9}, {})]
    table = report.table(layers)
    assert table[1] == ["conv", "4x4", "80%", "10.0", "4.00x", "100", "50.0*", "5.00", "-"]
    assert table[2] == ["conv", "1x4", "80%", "20.0", "2.00x", "50", "50.0*", "2.50", "30.0"]
    assert report.float_table(layers)[1:] == [
        ["conv", "4x4", "80%", "30.0", "3.00x", "90.0", "-"],
        ["conv", "1x4", "80%", "60.0", "1.50x", "90.0", "70.0"],
    ]
    assert report.dense_table(layers)[1] == ["conv", "1.00", "40.0", "25", "50.0"]
    markdown, data = report.write(layers, this_machine(), tmp_path)
    assert "fbgemm-sparse on conv, 80%: 40% of the codes" in markdown.read_text()
    assert "onednn on conv, dense: 90% of the codes" in markdown.read_text()
    assert json.loads(data.read_text())["layers"][0]["rows"][0]["seconds"] == 1e-5


def test_a_pruned_network() -> None:
    from mobilekernels.sparsity.tune import _best_isa

    name, sample = "tests.bench_sparse.tiny:network", curves(_best_isa())
    found = networks.measure_pruned(name, ("mobilekernels",), 1, 0.75, (1, 4), size=32, curves=sample)
    assert found.result.network == f"{name}, 75% 1x4 zeros"
    assert found.sparse_layers[0] == found.sparse_layers[1] > 0
    assert f"{found.sparse_layers[0]} of {found.sparse_layers[1]} pruned layers skip zeros" in found.note


def test_options(tmp_path: Path) -> None:
    assert LAYERS.is_file()
    assert parse([]).networks == networks.NETWORKS
    assert parse(["--quick"]).networks == networks.QUICK_NETWORKS
    assert parse(["--block", "1x4"]).block == (1, 4)
    with pytest.raises(SystemExit):
        parse(["--block", "auto"])

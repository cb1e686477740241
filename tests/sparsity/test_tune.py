"""Measuring: on small layers, so that it takes no time; figures are not looked at, but for their sense."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import mobilekernels as mk
from mobilekernels.packing import read_header
from mobilekernels.sparsity import tune as tuning
from mobilekernels.sparsity import tune_f32
from mobilekernels.sparsity.curve_file import read_curves, write_curves
from mobilekernels.sparsity.curves import KINDS, LayerShape
from mobilekernels.sparsity.subjects import SUBJECTS, Subject, random_blocks
from mobilekernels.sparsity.tune import OCCUPANCIES, tune
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, zeros_of

SMALL = (Subject(8, 20, 5, 1), Subject(6, 8, 5, 3), Subject(30, 18, 4), Subject(32, 16, 1))
BEST = next(k.isa for k in mk.kernels() if k.family == "gemm" and k.chosen)


def test_every_kind_of_layer_is_measured() -> None:
    assert {subject.shape.kind for subject in SUBJECTS} == set(KINDS)
    assert [subject.shape for subject in SMALL] == [
        LayerShape("pointwise", 25, 8, 20),
        LayerShape("spatial", 25, 6, 8),
        LayerShape("linear", 4, 30, 18),
        LayerShape("row", 1, 32, 16),
    ]


def test_curves_are_complete_and_a_file_takes_them(tmp_path: Path) -> None:
    found = tune(rounds=1, subjects=SMALL, progress=False)
    assert found.isas() == (BEST,)
    assert {(c.block, c.layer) for c in found.curves} == {(b, s.shape) for b in SPARSE_BLOCKS for s in SMALL}
    assert all(c.source == "measured" and c.occupancy == OCCUPANCIES for c in found.curves)
    assert read_curves(write_curves(found, tmp_path / "curves.json")).curves == found.curves


def test_any_runnable_instruction_set() -> None:
    assert tune(["scalar", BEST], rounds=1, subjects=SMALL[3:], progress=False).isas() == ("scalar", BEST)


@pytest.mark.parametrize("subject", SMALL)
@pytest.mark.parametrize("block", SPARSE_BLOCKS)
@pytest.mark.parametrize("occupancy", [0.1, 0.5, 1.0])
def test_weights_have_the_blocks_that_they_are_to_have(subject, block, occupancy) -> None:
    weight = random_blocks(subject, block, occupancy, torch.Generator().manual_seed(0))
    blocks = -(-subject.out_channels // block[0]) * -(-weight.shape[1] // 4)
    assert zeros_of(weight).occupancy[block] == pytest.approx(round(occupancy * blocks) / blocks)


@pytest.mark.parametrize("subject", SMALL)
def test_dense_and_sparse_compute_the_same(subject: Subject) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = random_blocks(subject, (4, 4), 0.5, generator)
    shape = (2, subject.size, subject.size, subject.channels) if subject.kernel else (7, subject.channels)
    x = torch.randint(-128, 128, shape, dtype=torch.int8, generator=generator)
    results = [tuning._call(subject, x, block, weight)() for block in (None, *SPARSE_BLOCKS)]
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=0, atol=0)
    assert results[0].unique().numel() > 50  # spread over the codes


def test_what_is_timed_is_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[str] = []

    def spy(pack):
        def call(*args, **options):
            result = pack(*args, **options)
            packed.append(f"{read_header(result).format} {read_header(result).block_channels}")
            return result

        return call

    for name in ("pack_conv2d", "pack_linear"):
        monkeypatch.setattr(tuning.packing, name, spy(getattr(tuning.packing, name)))
    tune(rounds=1, subjects=SMALL[:1], progress=False)
    sparse = [f"block_sparse {block[0]}" for block in SPARSE_BLOCKS for _ in OCCUPANCIES for _ in range(2)]
    assert packed == ["dense 16", "dense 16", *sparse]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="tune: rounds: given 0, accepted at least 1"):
        tune(rounds=0)
    with pytest.raises(ValueError, match="isa: name: given 'sse'"):
        tune(["sse"], subjects=SMALL, progress=False)


def test_float32_is_timed_against_pytorch() -> None:
    found = tune(rounds=1, subjects=SMALL, progress=False, float32=True)
    assert found.curves == ()
    assert found.of_float32().isas() == (BEST,)
    assert {(c.block, c.layer) for c in found.float32} == {(b, s.shape) for b in SPARSE_BLOCKS for s in SMALL}
    generator = torch.Generator().manual_seed(0)
    for subject in SMALL:
        weight = random_blocks(subject, (4, 4), 0.5, generator).float()
        shape = (2, subject.channels, subject.size, subject.size) if subject.kernel else (7, subject.channels)
        x = torch.randn(shape, generator=generator)
        results = [tune_f32.call(subject, x, block, weight)() for block in (None, *SPARSE_BLOCKS)]
        for result in results[1:]:
            torch.testing.assert_close(result, results[0], rtol=1e-4, atol=1e-2)

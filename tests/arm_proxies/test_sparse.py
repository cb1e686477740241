"""Speed-ups by counted instructions, and the curves made of them."""

from __future__ import annotations

import pytest

from bench.arm import curves, gate, sparse
from bench.arm.result import Result
from mobilekernels.bench.layers import Layer
from mobilekernels.sparsity.curve_file import package_curves
from mobilekernels.sparsity.subjects import SUBJECTS, Subject
from mobilekernels.sparsity.tune import OCCUPANCIES
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS


def result(layer: str, instructions: int) -> Result:
    return Result(layer, sparse.GOAL_CPU, "ours", "neon_dotprod", 1000, {"sparse GEMM": instructions})


def test_subjects_of_curves_are_what_tune_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    subjects = (Subject(8, 20, 5, 3), Subject(32, 16, 7))
    seen: list[Layer] = []

    def count(listed: list[Layer], cpu: str) -> list[Result]:
        assert cpu == "neoverse-n1"
        seen.extend(listed)
        return [result(each.name, 100 + int(each.values.get("zeros", "0"))) for each in listed]

    monkeypatch.setattr(sparse, "count", count)
    monkeypatch.setattr(gate, "compiler", lambda: "g++")
    found = curves.count("neon_dotprod", subjects)
    assert str(seen[0]) == "0: conv2d in=8 out=20 kernel=3x3 pad=1x1 image=5x5"
    assert str(seen[-1]) == "1_1x4_1.0: linear rows=7 in=32 out=16 block=1x4 zeros=0"
    assert [(c.layer, c.block) for c in found] == [(s.shape, b) for s in subjects for b in SPARSE_BLOCKS]
    assert found[0].occupancy == OCCUPANCIES
    assert found[0].speedup[0] == round(100 / 195, 3)


def test_the_package_has_curves_of_every_subject() -> None:
    found = package_curves().curves
    for isa in curves.CPUS:
        assert {(c.layer, c.block) for c in found if c.isa == isa} == {
            (subject.shape, block) for subject in SUBJECTS for block in SPARSE_BLOCKS
        }

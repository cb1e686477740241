"""Curves made of modelled cycles."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.x86 import curves, steps
from bench.x86.cores import CORES
from bench.x86.cycles import Program
from mobilekernels.bench.layers import Layer
from mobilekernels.sparsity.curve_file import package_curves
from mobilekernels.sparsity.subjects import Subject
from mobilekernels.sparsity.tune import OCCUPANCIES
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS


def cost(layer: Layer, blocks: float) -> float:
    """As of a kernel whose time is a tenth of dense and a share that grows with the blocks."""
    zeros = layer.values.get("zeros")
    return 1000.0 if zeros is None else 100 + blocks * (1 - int(zeros) / 100)


def test_two_occupancies_give_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def count(listed: list[Layer], isa: str) -> list[steps.Steps]:
        seen.extend(layer.name for layer in listed)
        return [steps.Steps(layer, isa, 1, Counter()) for layer in listed]

    monkeypatch.setattr(steps, "count", count)
    monkeypatch.setattr(Program, "__init__", lambda self: None)
    # The second core is slower by as much as it has blocks.
    monkeypatch.setattr(
        Program,
        "cycles",
        lambda self, counted, core: cost(counted.layer, 1000 if core is CORES["avx512vnni"][0] else 1200),
    )
    subject = Subject(32, 16, 7)
    found = curves.model("avx512vnni", [subject])
    assert seen == ["0", "0_4x4_0.05", "0_4x4_0.2", "0_1x4_0.05", "0_1x4_0.2"]
    assert [(c.isa, c.layer, c.block, c.source) for c in found] == [
        ("avx512vnni", subject.shape, block, "model") for block in SPARSE_BLOCKS
    ]
    assert found[0].occupancy == OCCUPANCIES
    assert found[0].speedup == pytest.approx([1000 / (100 + 1200 * x) for x in OCCUPANCIES], abs=1e-3)


def test_the_package_has_curves_of_every_subject() -> None:
    found = {(c.layer, c.block) for c in package_curves().curves if c.isa == curves.ISA}
    assert found == {(subject.shape, block) for subject in curves.subjects() for block in SPARSE_BLOCKS}


def test_the_model_stands_beside_what_was_measured() -> None:
    measured = [c for c in package_curves().curves if c.isa == curves.MEASURED_ISA]
    head, *rows = curves.beside_measured(measured[:2])
    assert head == ["layer", "95 %", "90 %", "80 %", "70 %", "50 %"]
    assert rows[0][0] == f"{measured[0].layer} 4x4"
    assert all(cell.endswith("= 1.00") for row in rows for cell in row[1:])

"""Layers as the suite reads them: sizes, work, and arithmetic that is right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.micro.case import read_cases
from bench.micro.engines import ours

LAYERS = Path(__file__).with_name("layers.txt").read_text()
CASES = read_cases(LAYERS)


def test_work_and_bytes_are_those_of_the_layer() -> None:
    (case,) = read_cases("a: conv2d in=8 out=16 kernel=3x3 stride=2x2 pad=1x1 image=9x9")
    assert case.out_image == (5, 5)
    assert case.macs == 25 * 16 * 9 * 8
    assert case.bytes == 81 * 8 + 25 * 16 + 16 * 8 * 9 + 8 * 16
    assert case.intensity == case.macs / case.bytes
    (rows,) = read_cases("b: linear rows=4 in=48 out=40")
    assert rows.macs == 4 * 48 * 40
    assert read_cases("c: lut shape=4x4") == []


@pytest.mark.parametrize("keys", ["dilation=2x2", "batch=2", "pad=0x1x0x1"])
def test_layers_of_other_kinds_are_refused(keys: str) -> None:
    with pytest.raises(ValueError, match=r"layers: odd: given .*; accepted are batch 1"):
        read_cases(f"odd: conv2d in=8 out=8 kernel=3x3 image=9x9 {keys}")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_ours_gives_the_exact_codes_and_uses_their_range(case) -> None:  # type: ignore[no-untyped-def]
    weights = case.weights(2)
    exact = case.reference(weights)
    instance = ours(case, weights)
    assert instance.codes is not None
    found = instance.codes(instance.run())
    assert found.shape == exact.shape
    assert int((found.int() - exact.int()).abs().max()) <= 1  # bias is rounded to int32
    assert exact.float().std() > 20
    assert not torch.equal(case.weights(2).codes, case.weights(3).codes)

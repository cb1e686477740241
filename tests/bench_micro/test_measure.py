"""Engines take turns, and what they give is looked at."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import mobilekernels as mk
from bench.micro import xnnpack_layer
from bench.micro.case import Case, Weights, read_cases
from bench.micro.engines import ENGINES, Instance, LayerEngine, ours
from bench.micro.measure import measure, share_close
from mobilekernels.engines.base import EngineAbsent
from tests.peers import need

TEXT = Path(__file__).with_name("layers.txt").read_text()
CASES = read_cases(TEXT)
PACKAGES = {
    "onnxruntime-int8": ("onnx", "onnxruntime"),
    "openvino-int8": ("onnx", "openvino"),
    "xnnpack": ("executorch",),
}
# Products of weights of the full range overflow their int16 sums: FBGEMM's, and where the CPU has no VNNI
# (there all of these use vpmaddubsw) also those of others.
VNNI = mk.cpu_features()["avx512vnni"]
SATURATING = {"fbgemm"} if VNNI else {"fbgemm", "onednn", "onnxruntime-int8", "openvino-int8"}
# Share of codes that are close all the same; without VNNI dense layers saturate, too (0.45 was seen).
SATURATED_CLOSE = 0.5 if VNNI else 0.4


@pytest.fixture(scope="module")
def lowered() -> None:
    if importlib.util.find_spec("executorch") is not None:
        xnnpack_layer.lower(TEXT)


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize("engine", ENGINES, ids=[engine.name for engine in ENGINES])
def test_every_engine_computes_the_layers(engine: LayerEngine) -> None:
    need(*PACKAGES.get(engine.name, ()))
    for case in CASES:
        found = measure(case, [engine], rounds=2)[engine.name]
        if found.absent is not None and "this build of PyTorch has no" in found.absent:
            pytest.skip(found.absent)
        assert found.absent is None
        assert len(found.seconds) == 2
        assert min(found.seconds) > 0
        if engine.name == "torch-float":
            assert found.close is None
        else:
            assert found.close is not None
            assert found.close > (SATURATED_CLOSE if engine.name in SATURATING else 0.99), case.name


@pytest.mark.parametrize(
    "engine", [pytest.param(each, id=each.name) for each in ENGINES if each.name in SATURATING]
)
def test_what_is_not_close_is_saturation(engine: LayerEngine) -> None:
    """Weights of half the range, whose pairs fit in int16: the engine is as right as any."""
    need(*PACKAGES.get(engine.name, ()))
    for case in CASES:
        full = case.weights(2)
        half = replace(full, codes=torch.div(full.codes, 2, rounding_mode="trunc"))
        try:
            instance = engine.make(case, half)
        except EngineAbsent as reason:
            pytest.skip(str(reason))
        close = share_close(instance, case.reference(half))
        assert close is not None
        assert close > 0.99, case.name


def test_turns_alternate_and_the_decoy_runs_before_the_timed_instance() -> None:
    calls: list[str] = []

    def make(name: str) -> LayerEngine:
        def engine(case: Case, weights: Weights) -> Instance:
            return Instance(lambda: calls.append(f"{name}{weights.seed}"), None)

        return LayerEngine(name, name, engine)

    found = measure(CASES[0], [make("a"), make("b")], rounds=2)
    timed, decoy = 2, 3
    turn = {name: [f"{name}{decoy}", f"{name}{timed}"] for name in "ab"}
    # The first round warms up.
    assert calls == [*turn["a"], *turn["b"], *turn["b"], *turn["a"], *turn["a"], *turn["b"]]
    assert [len(each.seconds) for each in found.values()] == [2, 2]


def test_an_engine_that_cannot_says_why_and_does_not_stop_the_others() -> None:
    def absent(case: Case, weights: Weights) -> Instance:
        raise EngineAbsent("no such core")

    found = measure(CASES[0], [LayerEngine("gone", "gone", absent), LayerEngine("ours", "ours", ours)], 1)
    assert found["gone"].absent == "no such core"
    assert found["gone"].seconds == ()
    assert found["ours"].close == 1.0

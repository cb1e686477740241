"""``mobilekernels.compare``: figures that are right, data in every form, bad arguments."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from mobilekernels import metrics
from mobilekernels.timing import Candidate, interleave

SAMPLES = torch.randn(6, 12, generator=torch.Generator().manual_seed(7))


class Shifted(nn.Module):
    """A float model that is off by a known amount, in the place of a converted one."""

    def __init__(self, model: nn.Module, noise: torch.Tensor) -> None:
        super().__init__()
        self.model, self.noise = model, noise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x) + self.noise  # type: ignore[no-any-return]


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))


def compare(model: nn.Module, converted: nn.Module | None, data: Any = SAMPLES, **options: Any) -> Any:
    settings: dict[str, Any] = {"engines": ["mobilekernels", "torch-float"], "rounds": 0, "progress": False}
    return mk.compare(model, converted, data, **{**settings, **options})


def test_figures_are_those_of_the_definitions(model: nn.Module) -> None:
    noise = torch.tensor([0.3, 0.0, 0.0, 0.0, -0.1])
    with torch.no_grad():
        reference = model(SAMPLES)
    found = reference + noise
    labels = reference.argmax(1).clone()
    labels[0] = (labels[0] + 1) % 5
    ours, exact = compare(model, Shifted(model, noise), labels=labels).results
    energy = float(reference.double().square().sum()), float((reference - found).double().square().sum())
    assert ours.sqnr_db == pytest.approx(10 * math.log10(energy[0] / energy[1]), rel=1e-5)
    agree = sum(int(a.argmax() == b.argmax()) for a, b in zip(reference, found, strict=True)) / 6
    assert ours.agreement == agree
    assert exact.agreement == 1.0
    assert exact.sqnr_db == math.inf
    assert exact.accuracy == pytest.approx(5 / 6)
    assert ours.median_ms is None
    assert ours.ratio is None


def test_timing_is_reported_relative_to_ours(model: nn.Module) -> None:
    ours, stock = compare(model, model, rounds=3).results
    assert ours.ratio == 1.0
    assert stock.ratio == pytest.approx(stock.median_ms / ours.median_ms)
    low, high = ours.quartiles_ms
    assert 0 < low <= ours.median_ms <= high


DATA: dict[str, Callable[[], Any]] = {
    "one tensor": lambda: SAMPLES,
    "calls": lambda: list(SAMPLES.split(1)),
    "batches": lambda: list(SAMPLES.split(2)),
    "tuples": lambda: [(part,) for part in SAMPLES.split(1)],
    "generator": lambda: (part for part in SAMPLES.split(1)),
}


@pytest.mark.parametrize("form", DATA)
def test_every_form_of_data(model: nn.Module, form: str) -> None:
    comparison = compare(model, model, DATA[form]())
    assert comparison.rows == 6
    assert comparison.samples == (3 if form == "batches" else 6)


def test_labels_come_with_the_data(model: nn.Module) -> None:
    labels = model(SAMPLES).argmax(1)
    pairs = list(zip(SAMPLES.split(2), labels.split(2), strict=True))
    assert compare(model, None, pairs).result("torch-float").accuracy == 1.0
    assert compare(model, None, SAMPLES).result("torch-float").accuracy is None


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "model": ({"float_model": 3}, TypeError, "float_model: given a int"),
    "no data": ({"data": []}, ValueError, "data: given no item"),
    "text": ({"data": "photos"}, TypeError, "data: given a str"),
    "scalar": ({"data": torch.tensor(1.0)}, ValueError, r"data: given shape \(\)"),
    "item": ({"data": [SAMPLES, "x"]}, TypeError, r"data\[1\]: given 'x'"),
    "shapes": ({"data": [SAMPLES[:1], SAMPLES[:2]]}, ValueError, r"data\[1\]: given shapes"),
    "half labelled": ({"data": [(SAMPLES[:1], 0), SAMPLES[:1]]}, ValueError, "labels with 1 of 2"),
    "calibration": ({"calibration_data": []}, ValueError, "calibration_data: given no item"),
    "engines": ({"engines": ["gpu"]}, ValueError, r"engines: given \['gpu'\]"),
    "threads": ({"threads": 0}, ValueError, "threads: given 0"),
    "rounds": ({"rounds": -1}, ValueError, "rounds: given -1"),
    "labels": ({"labels": torch.zeros(4)}, ValueError, r"labels: given shape \(4,\); accepted is \[6\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_argument_is_named(model: nn.Module, case: str) -> None:
    changes, kind, message = BAD[case]
    arguments = {"float_model": model, "converted": None, "data": SAMPLES, "progress": False, **changes}
    with pytest.raises(kind, match=message):
        mk.compare(**arguments)


def test_absent_engine_is_in_the_table_with_its_reason(model: nn.Module) -> None:
    comparison = compare(model, None)
    ours = comparison.result("mobilekernels")
    assert ours.absent == "no converted model was given"
    assert "absent: no converted model was given" in str(comparison)
    assert "absent: no converted model was given" in comparison.to_html()


def test_calibration_on_the_compared_data_is_said(model: nn.Module) -> None:
    assert "calibrated on the very data" in str(compare(model, None))
    assert "calibrated on the very data" not in str(compare(model, None, calibration_data=SAMPLES))


def test_model_and_threads_are_left_as_they_were(model: nn.Module) -> None:
    model.train()
    threads = torch.get_num_threads()
    compare(model, None, threads=threads + 1)
    assert torch.get_num_threads() == threads
    assert all(module.training for module in model.modules())


def test_dict_is_json_and_page_is_self_contained(model: nn.Module) -> None:
    comparison = compare(model, model, rounds=2)
    text = json.dumps(comparison.to_dict(), allow_nan=False)
    assert json.loads(text)["results"][1]["sqnr_db"] is None, "infinity is not JSON"
    page = comparison.to_html()
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    for outside in ('src="http', "href=", "@import", "<script"):
        assert outside not in page


def test_interleaving_alternates_and_enters_sessions() -> None:
    calls: list[str] = []

    @contextlib.contextmanager
    def session() -> Iterator[None]:
        calls.append("(")
        yield
        calls.append(")")

    candidates = {
        "a": Candidate(lambda: calls.append("a")),
        "b": Candidate(lambda: calls.append("b"), session),
    }
    timings = interleave(candidates, rounds=2, warmup=1, busy=0.0)
    # Warm-up of each, then rounds in turning order; every timed call follows one that fills the caches.
    assert "".join(calls) == "a(b)" + "aa(bb)" + "(bb)aa"
    assert [len(timing.seconds) for timing in timings.values()] == [2, 2]
    with pytest.raises(ValueError, match="rounds: given 0"):
        interleave(candidates, rounds=0)


def test_a_turn_is_as_long_as_asked_for_and_gives_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def call() -> None:
        nonlocal now
        now += 3.0

    monkeypatch.setattr("time.perf_counter", lambda: now)
    (timing,) = interleave({"a": Candidate(call)}, rounds=2, warmup=0, busy=10.0).values()
    assert timing.seconds == (3.0, 3.0)
    assert now == 2 * (1 + 4) * 3.0


def test_metrics_at_their_ends() -> None:
    ones = torch.ones(2, 3)
    assert metrics.sqnr(ones, ones) == math.inf
    assert metrics.sqnr(torch.zeros(2), torch.ones(2)) == -math.inf
    assert metrics.sqnr(ones, ones * 1.1) == pytest.approx(20.0, abs=1e-4)
    assert metrics.cosine(ones, -ones) == pytest.approx(-1.0)
    assert math.isnan(metrics.cosine(torch.zeros(2), torch.ones(2)))
    assert metrics.accuracy(torch.eye(4), torch.tensor([0, 1, 2, 0])) == 0.75

"""The scan finds what matters, leaves the model as it was, and goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from tests.pruning.networks import network, same, weights


def norm_of(model: nn.Module) -> float:
    return float(
        sum(m.weight.detach().norm() for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
    )


def scan(model: nn.Module, evaluate: Any = norm_of, **options: Any) -> mk.Sensitivity:
    return mk.sensitivity(model, evaluate, **{"sparsities": (0.5, 0.9), "progress": False, **options})


def test_each_layer_is_pruned_alone() -> None:
    model = network()
    before = weights(model)
    seen: list[list[str]] = []

    def evaluate(subject: nn.Module) -> float:
        assert subject is model
        seen.append([row.name for row in mk.sparsity_report(subject).layers if row.zeros])
        return norm_of(subject)

    found = scan(model, evaluate)
    assert same(before, weights(model))
    names = ["2", "4", "8", "11", "13"]  # 0 has 3 channels, 6 is depthwise
    assert seen == [[], *([name] for name in names for _ in range(2))]
    assert list(found.scores) == names
    assert found.baseline == norm_of(model)
    assert all(0 < row[0.5] < row[0.9] for row in found.drops().values())
    assert json.loads(json.dumps(found.to_dict()))["scores"]["8"]["0.9"] == found.scores["8"][0.9]
    assert "90%" in str(found)


def test_an_error_leaves_the_model_as_it_was() -> None:
    model = network()
    before = weights(model)

    def evaluate(subject: nn.Module) -> float:
        if mk.sparsity_report(subject).layers[2].zeros:
            raise RuntimeError("out of luck")
        return 1.0

    with pytest.raises(RuntimeError, match="out of luck"):
        scan(model, evaluate)
    assert same(before, weights(model))


def test_a_scan_goes_on(tmp_path: Path) -> None:
    model, path = network(), tmp_path / "scan.json"
    calls = 0

    def evaluate(subject: nn.Module) -> float:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return norm_of(subject)

    with pytest.raises(KeyboardInterrupt):
        scan(model, evaluate, checkpoint=path)
    found = scan(model, evaluate, checkpoint=path)
    assert calls == 5 + 11 - 4
    assert found == scan(model)
    with torch.no_grad():
        model[2].weight[0] += 1
    with pytest.raises(ValueError, match=r"checkpoint: .*another model"):
        scan(model, checkpoint=path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"checkpoint: .*not what a scan wrote"):
        scan(model, checkpoint=path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sparsities": ()}, TypeError, "sparsities: given"),
        ({"sparsities": (0.5, 1.0)}, ValueError, "sparsities: given 1.0"),
        ({"block": (2, 2)}, ValueError, "block: given"),
        ({"evaluate": 3}, TypeError, "evaluate: given a int"),
        ({"evaluate": lambda model: "good"}, TypeError, "evaluate: returned a str"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        scan(network(), **options)

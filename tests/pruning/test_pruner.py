"""Masks through training: schedules, optimizers, saved and resumed runs."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from torch import nn

import mobilekernels as mk
from tests.pruning.networks import PRUNABLE, network, same, train, weights

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, weight_decay=1e-4, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3),
}


def zeros(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: model.get_submodule(name).weight.detach() == 0 for name in PRUNABLE}


def test_cubic_schedule_is_the_formula() -> None:
    schedule = mk.CubicSchedule(begin=10, updates=4, every=5, initial=0.2)
    assert schedule.end == 30
    assert [step for step in range(40) if schedule.due(step)] == [10, 15, 20, 25, 30]
    for step in range(40):
        if step < 10:
            expected = 0.0
        else:
            t = 10 + min((step - 10) // 5 * 5, 20)
            expected = 0.8 + (0.2 - 0.8) * (1 - (t - 10) / (4 * 5)) ** 3
        assert schedule.sparsity(step, 0.8) == pytest.approx(expected, abs=1e-15)
    assert schedule.sparsity(30, 0.8) == 0.8


@pytest.mark.parametrize(
    ("field", "value"), [("begin", -1), ("updates", 0), ("every", 0), ("every", 1.5), ("initial", 1.0)]
)
def test_bad_schedules_are_named(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{field}: given {value}"):
        mk.CubicSchedule(**{field: value})
    with pytest.raises(ValueError, match=r"initial sparsity of 0.9"):
        mk.prune(network(), 0.8, schedule=mk.CubicSchedule(initial=0.9))


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_masks_survive_the_optimizer(name: str, attached: bool) -> None:
    model = network()
    optimizer = OPTIMIZERS[name](model.parameters())
    train(model, optimizer, 5)  # momentum that would move masked weights
    pruner = mk.Pruner(model, 0.8)
    masked = zeros(model)
    if attached:
        assert pruner.attach(optimizer) is pruner
    for seed in range(8):
        before = weights(model)
        train(model, optimizer, 1, seed)
        if not attached:
            assert not all(torch.equal(zeros(model)[n], masked[n]) for n in PRUNABLE), "momentum moves them"
            pruner.step()
        after = zeros(model)
        assert all(torch.equal(after[n], masked[n]) for n in PRUNABLE)
        assert not torch.equal(before["2.weight"], model[2].weight), "what stays is trained"
    assert pruner.finish().sparsity == pytest.approx(0.8, abs=0.01)
    train(model, optimizer, 1)
    assert not all(torch.equal(zeros(model)[n], masked[n]) for n in PRUNABLE), "finish lets go"


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_gradual_pruning_follows_the_schedule_and_never_gives_back(scope: str) -> None:
    model = network()
    schedule = mk.CubicSchedule(begin=3, updates=4, every=2)
    pruner = mk.prune(model, 0.8, (1, 4), scope, schedule=schedule)
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    gone = {name: torch.zeros_like(mask) for name, mask in zeros(model).items()}
    for step in range(1, 15):
        train(model, optimizer, 1, step)
        pruner.step()
        now = zeros(model)
        assert all((now[name] | ~gone[name]).all() for name in gone)
        gone = now
        assert pruner.report().sparsity == pytest.approx(schedule.sparsity(step, 0.8), abs=0.01)
    assert pruner.done
    report = pruner.finish()
    assert all(0 < (row.kept_norm or 0) < 1 for row in report.pruned)


def test_an_early_finish_warns() -> None:
    pruner = mk.prune(network(), 0.8, schedule=mk.CubicSchedule(updates=2, every=10))
    with pytest.warns(UserWarning, match="the schedule ends at step 20 and 0 were made"):
        pruner.finish()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("at", [4, 7, 12])
def test_resumed_is_uninterrupted(name: str, at: int) -> None:
    """Stopped before, between and after updates of the masks, the same bits come out."""
    start = network()
    schedule = mk.CubicSchedule(begin=5, updates=2, every=3)

    def begin() -> tuple[nn.Module, torch.optim.Optimizer, mk.Pruner]:
        model = copy.deepcopy(start)
        return model, OPTIMIZERS[name](model.parameters()), mk.prune(model, 0.8, schedule=schedule)

    def go_on(model: nn.Module, optimizer: torch.optim.Optimizer, pruner: mk.Pruner, steps: range) -> None:
        for step in steps:
            train(model, optimizer, 1, step)
            pruner.step()

    model, optimizer, pruner = begin()
    go_on(model, optimizer, pruner, range(15))
    first, optimizer_1, pruner_1 = begin()
    go_on(first, optimizer_1, pruner_1, range(at))
    file = io.BytesIO()
    torch.save([first.state_dict(), optimizer_1.state_dict(), pruner_1.state_dict()], file)
    file.seek(0)
    states = torch.load(file, weights_only=True)
    resumed, optimizer_2, pruner_2 = begin()
    for thing, state in zip((resumed, optimizer_2, pruner_2), states, strict=True):
        thing.load_state_dict(state)
    go_on(resumed, optimizer_2, pruner_2, range(at, 15))
    assert same(weights(model), weights(resumed))
    assert pruner.report() == pruner_2.report()


def test_a_state_of_other_settings_is_refused() -> None:
    state = mk.Pruner(network(), 0.8).state_dict()
    for other, message in (
        (mk.Pruner(network(), 0.7), "sparsity = 0.8; accepted is this pruner's 0.7"),
        (mk.Pruner(network(), 0.8, (1, 4)), "block"),
        (mk.Pruner(network(), 0.8, skip=["2"]), "masks of"),
    ):
        with pytest.raises(ValueError, match=f"state: given {message}"):
            other.load_state_dict(state)
    with pytest.raises(ValueError, match="state: given something else"):
        mk.Pruner(network(), 0.8).load_state_dict({})


def test_zeros_of_one_shot_pruning_are_held() -> None:
    model = mk.prune(network(), 0.8)
    masked = zeros(model)
    optimizer = OPTIMIZERS["adam"](model.parameters())
    pruner = mk.Pruner.of_zeros(model).attach(optimizer)
    train(model, optimizer, 3)
    assert all(torch.equal(zeros(model)[n], masked[n]) for n in PRUNABLE)
    resumed = mk.Pruner.of_zeros(model)
    resumed.load_state_dict(pruner.state_dict())
    assert resumed.report().layers[1] == pruner.finish().layers[1]


def test_attach_takes_one_optimizer() -> None:
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    pruner = mk.Pruner(model, 0.5).attach(optimizer)
    with pytest.raises(ValueError, match="optimizer: the pruner is attached"):
        pruner.attach(optimizer)
    with pytest.raises(TypeError, match="optimizer: given a Sequential"):
        mk.Pruner(network(), 0.5).attach(model)  # type: ignore[arg-type]


def test_a_pruned_model_is_copied_and_saved_as_any() -> None:
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    mk.Pruner(model, 0.5).attach(optimizer)
    train(model, optimizer, 1)
    assert same(weights(copy.deepcopy(model)), weights(model))
    assert set(model.state_dict()) == set(network().state_dict())

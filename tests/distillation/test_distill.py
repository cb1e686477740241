"""`mobilekernels.distill`: it teaches, it is repeatable, and it goes on where it stopped."""

from __future__ import annotations

import copy
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import mobilekernels as mk
from mobilekernels.distillation.loss import soft_loss
from tests.pruning.networks import same, weights

GENERATOR = torch.Generator().manual_seed(11)
IMAGES = torch.randn(48, 2, 5, 5, generator=GENERATOR)
LABELS = torch.randint(0, 4, (48,), generator=GENERATOR)


def network(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(width, 4),
    )


with torch.random.fork_rng():
    torch.manual_seed(12)
    STUDENT, TEACHER = network(8), network(12)


class Noisy:
    """A loader that draws from every global generator, as augmentation does."""

    def __iter__(self) -> Any:
        for images, labels in DataLoader(TensorDataset(IMAGES, LABELS), batch_size=16, shuffle=True):
            images = images + 0.1 * torch.randn(images.shape) + 0.1 * random.random()
            yield images + 0.1 * float(np.random.random()), labels

    def __len__(self) -> int:
        return 3


def loader(shuffle: bool = True) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(5)
    return DataLoader(TensorDataset(IMAGES, LABELS), batch_size=16, shuffle=shuffle, generator=generator)


class Setup:
    """A student with everything that carries state."""

    def __init__(
        self, data: Any = None, seed: int = 3, pruned: bool = True, hints: Any = (("2", "2"), ("4", "4"))
    ):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        self.student, self.teacher = copy.deepcopy(STUDENT), copy.deepcopy(TEACHER)
        self.optimizer = torch.optim.SGD(self.student.parameters(), lr=0.05, momentum=0.9)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 12)
        schedule = mk.CubicSchedule(begin=2, updates=3, every=2)
        self.pruner = mk.prune(self.student, 0.5, (1, 4), schedule=schedule) if pruned else None
        self.loader = loader() if data is None else data
        self.hints = hints

    def run(self, epochs: int, **options: Any) -> mk.Distillation:
        return mk.distill(
            self.student,
            self.teacher,
            self.loader,
            epochs=epochs,
            optimizer=self.optimizer,
            scheduler=self.scheduler,
            pruner=self.pruner,
            hints=self.hints,
            **{"progress": False, **options},
        )


def losses(done: mk.Distillation) -> list[tuple[float, ...]]:
    return [(epoch.loss, epoch.soft, epoch.hard, epoch.hint) for epoch in done.epochs]


def test_soft_loss_is_hintons() -> None:
    said, taught = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    p, q = (F.softmax(x / 4.0, dim=1) for x in (taught, said))
    expected = 16.0 * (p * (p / q).log()).sum(1).mean()
    assert float(soft_loss(said, taught, 4.0)) == pytest.approx(float(expected), rel=1e-12)
    # High temperatures: the gradient is that of matching logits (section 2.1 of the paper), free of T.
    said.requires_grad_()
    gradients = []
    for temperature in (1e3, 1e4):
        gradients.append(torch.autograd.grad(soft_loss(said, taught, temperature), said)[0])
    centred = (said - said.mean(1, keepdim=True) - taught + taught.mean(1, keepdim=True)).detach() / (5 * 7)
    assert torch.allclose(gradients[1], centred, rtol=1e-2, atol=1e-5)
    assert float(soft_loss(taught, taught, 4.0)) == 0.0


def test_the_student_learns_what_the_teacher_says() -> None:
    setup = Setup(pruned=False)
    for group in setup.optimizer.param_groups:
        group["initial_lr"] = group["lr"] = 0.05
    teacher = weights(setup.teacher)
    modes = [module.training for module in setup.teacher.modules()]
    done = setup.run(12, alpha=1.0)
    assert done.student is setup.student
    assert done.epochs[-1].soft < 0.5 * done.epochs[0].soft
    assert done.epochs[-1].hint < done.epochs[0].hint
    assert same(teacher, weights(setup.teacher)), "the teacher is not trained, its batch norm neither"
    assert modes == [module.training for module in setup.teacher.modules()]
    assert not any(module._forward_hooks for module in setup.student.modules())


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_loss_is_what_it_says(alpha: float) -> None:
    done = Setup(pruned=False).run(1, alpha=alpha, hint_weight=0.25).epochs[0]
    expected = alpha * done.soft + (1 - alpha) * done.hard + 0.25 * done.hint
    assert done.loss == pytest.approx(expected, rel=1e-5)
    assert min(done.soft, done.hard, done.hint) > 0


def test_inputs_alone() -> None:
    done = Setup([IMAGES[:16], (IMAGES[16:32],)], pruned=False, hints=()).run(1, alpha=0.3).epochs[0]
    assert done.hard == done.hint == 0.0
    assert done.loss == pytest.approx(done.soft, rel=1e-6)


def test_logits_computed_before_are_the_same_run() -> None:
    expected = Setup(pruned=False, hints=()).run(2)
    cached = Setup(pruned=False, hints=())
    with torch.no_grad():
        logits = cached.teacher.eval()(IMAGES)
    data = TensorDataset(IMAGES, LABELS, logits)
    cached.loader = DataLoader(data, 16, shuffle=True, generator=torch.Generator().manual_seed(5))
    cached.teacher = None  # type: ignore[assignment]
    found = cached.run(2)
    for mine, theirs in zip(losses(found), losses(expected), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)
    assert found.epochs[0].soft > 0


def test_labels_alone() -> None:
    setup = Setup(pruned=False)
    settings: dict[str, Any] = {"optimizer": setup.optimizer, "progress": False}
    done = mk.distill(setup.student, None, setup.loader, epochs=6, evaluate=lambda model: 7, **settings)
    assert done.epochs[-1].loss == done.epochs[-1].hard < done.epochs[0].hard
    assert [epoch.score for epoch in done.epochs] == [7.0] * 6
    with pytest.raises(ValueError, match="loader: yields no labels"):
        mk.distill(setup.student, None, [IMAGES], epochs=1, **settings)


def test_evaluation_mode_is_for_evaluation_alone() -> None:
    setup = Setup()
    seen: list[tuple[bool, bool]] = []

    def evaluate(model: nn.Module) -> float:
        seen.append((model.training, torch.is_grad_enabled()))
        return 0.0

    setup.run(2, evaluate=evaluate)
    assert seen == [(False, False)] * 2
    assert setup.student.training


def test_one_seed_gives_the_same_bits() -> None:
    first, second, other = (Setup(Noisy(), seed=seed).run(2) for seed in (3, 3, 4))
    assert same(weights(first.student), weights(second.student))
    assert losses(first) == losses(second) != losses(other)


@pytest.mark.parametrize("data", [Noisy, loader], ids=["global generators", "its own generator"])
@pytest.mark.parametrize("hints", [(), (("2", "2"),)], ids=["plain", "hints"])
def test_resumed_is_uninterrupted(data: Any, hints: Any, tmp_path: Path) -> None:
    whole = Setup(data(), hints=hints)
    expected = whole.run(4)
    path = tmp_path / "run.pt"
    Setup(data(), hints=hints).run(2, checkpoint=path)
    resumed = Setup(data(), seed=99, hints=hints)  # the seed of the checkpoint holds
    found = resumed.run(4, checkpoint=path)
    assert same(weights(whole.student), weights(resumed.student))
    assert losses(found) == losses(expected)
    assert whole.pruner is not None
    assert resumed.pruner is not None
    assert whole.pruner.finish() == resumed.pruner.finish()
    # Nothing is left to do: the file is read and not run again.
    again = Setup(data(), hints=hints)
    assert losses(again.run(4, checkpoint=path)) == losses(expected)
    assert same(weights(whole.student), weights(again.student))


def test_a_run_that_breaks_within_an_epoch_resumes_at_its_start(tmp_path: Path) -> None:
    class Broken(Noisy):
        batches = 0

        def __iter__(self) -> Any:
            for batch in super().__iter__():
                Broken.batches += 1
                if Broken.batches == 8:
                    raise KeyboardInterrupt
                yield batch

    path = tmp_path / "run.pt"
    with pytest.raises(KeyboardInterrupt):
        Setup(Broken()).run(4, checkpoint=path)
    whole = Setup(Noisy())
    expected = whole.run(4)
    resumed = Setup(Noisy())
    assert losses(resumed.run(4, checkpoint=path)) == losses(expected)
    assert same(weights(whole.student), weights(resumed.student))


def test_checkpoints_of_other_runs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    Setup().run(1, checkpoint=path)
    with pytest.raises(ValueError, match=r"checkpoint: .* has temperature = 4.0; accepted is 2.0"):
        Setup().run(2, checkpoint=path, temperature=2.0)
    with pytest.raises(ValueError, match=r"checkpoint: .* has pruner = True; accepted is False"):
        Setup(pruned=False).run(2, checkpoint=path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"checkpoint: .* is not what distill wrote"):
        Setup().run(2, checkpoint=path)


def test_the_pruner_steps_once_a_step() -> None:
    setup = Setup()
    assert setup.pruner is not None
    setup.pruner.attach(setup.optimizer)
    setup.run(2)
    assert setup.pruner.steps == 6
    setup = Setup()
    assert setup.pruner is not None
    setup.run(2)
    assert setup.pruner.steps == 6


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs: given 0"),
        ({"temperature": 0}, ValueError, "temperature: given 0"),
        ({"alpha": 1.5}, ValueError, "alpha: given 1.5"),
        ({"hint_weight": float("nan")}, ValueError, "hint_weight: given nan"),
        ({"student": 3}, TypeError, "student: given a int; accepted is a torch Module"),
        ({"teacher": 3}, TypeError, "teacher: given a int; accepted is a torch Module or None"),
        ({"teacher": STUDENT}, ValueError, "teacher: given the student itself"),
        ({"teacher": nn.Sequential(nn.Flatten(), nn.Linear(50, 5))}, ValueError, r"teacher: gives \(16, 5\)"),
        ({"optimizer": "sgd"}, TypeError, "optimizer: given a str"),
        (
            {"optimizer": torch.optim.SGD(TEACHER.parameters(), lr=0.0)},
            ValueError,
            "optimizer: given one that has none of the student's parameters",
        ),
        ({"scheduler": 3}, TypeError, "scheduler: given a int"),
        ({"pruner": 3}, TypeError, "pruner: given a int"),
        (
            {"pruner": mk.prune(TEACHER, 0.5, schedule=mk.CubicSchedule(begin=99))},
            ValueError,
            "pruner: given one of another model",
        ),
        ({"loader": []}, ValueError, "loader: yields nothing"),
        ({"loader": [3]}, TypeError, r"loader\[0\]: given int"),
        ({"loader": [(IMAGES, 3)]}, TypeError, r"loader\[0\]: given Tensor, int"),
        ({"loader": [(IMAGES, LABELS.int())]}, TypeError, r"loader\[0\]: given labels of torch.int32"),
        ({"loader": [(IMAGES,) * 4]}, TypeError, r"loader\[0\]: given 4 items"),
        ({"hints": "ab"}, TypeError, "hints: given 'ab'"),
        ({"hints": [("2",)]}, TypeError, r"hints: given \('2',\) in it"),
        ({"hints": [("2", "99")]}, ValueError, "hints: the teacher has no module '99'"),
        ({"hints": {"98": "2"}}, ValueError, "hints: the student has no module '98'"),
        ({"hints": [("2", "8")]}, ValueError, "hints: '2' gives .* and '8' gives"),
        ({"hints": [("2", "2")], "teacher": None}, ValueError, "hints: given without a teacher"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    settings: dict[str, Any] = {
        "student": STUDENT,
        "teacher": TEACHER,
        "loader": loader(),
        "epochs": 1,
        "optimizer": torch.optim.SGD(STUDENT.parameters(), lr=0.0),
        "progress": False,
    }
    with pytest.raises(error, match=message):
        mk.distill(**{**settings, **options})


def test_zeros_that_nothing_holds_are_warned_of() -> None:
    def train(student: nn.Module, held: str) -> float:
        optimizer = torch.optim.SGD(student.parameters(), lr=0.05)
        pruner = None if held == "nothing" else mk.Pruner.of_zeros(student)
        if pruner is not None and held == "optimizer":
            pruner.attach(optimizer)
            pruner = None
        mk.distill(student, None, loader(), epochs=1, optimizer=optimizer, pruner=pruner, progress=False)
        return mk.sparsity_report(student, (1, 4)).sparsity

    pruned = mk.prune(STUDENT, 0.75, (1, 4))
    zeros = mk.sparsity_report(pruned, (1, 4)).sparsity
    assert zeros > 0.5
    with pytest.warns(UserWarning, match=r"student: 57\.4% of its weights are zero.*Pruner\.of_zeros"):
        assert train(copy.deepcopy(pruned), "nothing") < 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(copy.deepcopy(pruned), "pruner") == zeros
        assert train(copy.deepcopy(pruned), "optimizer") == zeros
        # A head that begins with zeros is not pruned.
        fresh = copy.deepcopy(STUDENT)
        nn.init.zeros_(fresh[-1].weight)  # type: ignore[arg-type]
        train(fresh, "nothing")


def test_a_schedule_that_ends_after_the_run_is_warned_of() -> None:
    with pytest.warns(
        UserWarning,
        match="pruner: its schedule ends at step 8, and training at step 6; the sparsity will be 0.48",
    ):
        Setup(hints=()).run(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Setup(hints=()).run(3)


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    setup = Setup([(IMAGES * float("inf"), LABELS)], pruned=False, hints=())
    with pytest.raises(FloatingPointError, match="loss: became nan in Epoch 1/1"):
        setup.run(1)


def test_progress_tells_the_zeros(capfd: pytest.CaptureFixture[str]) -> None:
    Setup().run(1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "% zeros: " in err
    assert "Epoch 1/1: loss" in err
    Setup().run(1)
    assert capfd.readouterr() == ("", "")

"""The example on Fashion-MNIST: what it reads, what it makes, what it keeps, and how it chooses."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("torchao", reason="torchao is not installed (pip install mobilekernels[quantize])")

import mobilekernels as mk
from examples import fashion_mnist
from examples.fashion_mnist import ROWS, Epochs, Finding, Folder, Plan, Result, Speed, Summary
from mobilekernels.models import load_model

# Twenty steps an epoch: enough for patterns that a template would tell apart.
TINY = Plan(seeds=(0,), images=2560, epochs={"separable": Epochs(1, 2)}, rounds=2)


def write_idx(path: Path, values: np.ndarray[Any, Any]) -> None:
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), 1))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten patterns, each the same when mirrored, in noise."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(7)
    patterns = random.integers(0, 256, (10, 28, 14))
    patterns = np.concatenate([patterns, patterns[:, :, ::-1]], axis=2)
    for name, count in (("train", 3060), ("t10k", 400)):
        labels = random.integers(0, 10, count)
        images = (patterns[labels] + random.integers(0, 256, (count, 28, 28))) // 2
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "VALIDATION_IMAGES", 500)
    monkeypatch.setattr(fashion_mnist, "ROWS", ROWS[:3])


def run(data: Path, output: Path, jobs: int = 1) -> dict[str, Any]:
    fashion_mnist.run(TINY, ["separable"], data, output, jobs)
    found: dict[str, Any] = json.loads((output / "results.json").read_text())
    return found


def accuracies(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "cpu_seconds"} for row in found["results"]]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    output = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion_mnist, "VALIDATION_IMAGES", 500)
        patch.setattr(fashion_mnist, "ROWS", ROWS[:3])
        return output, run(data, output)


def test_the_rows_are_what_they_say(whole: tuple[Path, dict[str, Any]], data: Path) -> None:
    output, found = whole
    test = fashion_mnist.load_data(data, TINY.images).test
    assert [row["row"] for row in found["results"]] == [row.name for row in ROWS[:3]]
    for result in found["results"]:
        assert result["validation_int8"] > 60.0
        assert result["test_float"] > 60.0
        assert abs(result["test_int8"] - result["test_float"]) < 5.0
        pruned = result["row"] != "dense"
        assert result["zeros"] == pytest.approx(0.8 if pruned else 0.0, abs=0.01)
        name = f"separable-0-{result['row'].replace(', ', '-').replace(' ', '-')}"
        # What is in the files is what was evaluated.
        model = fashion_mnist.load(fashion_mnist.separable(), output / f"{name}.pt")
        assert fashion_mnist.accuracy(model, test) == result["test_float"]
        layers = mk.sparsity_report(model, (4, 4)).pruned  # and the last, which stays dense
        zero_blocks = sum(layer.zero_blocks for layer in layers) / sum(layer.blocks for layer in layers)
        assert zero_blocks > 0.6 if pruned else zero_blocks < 0.01
        assert (output / f"{name}.pt2").stat().st_size < 1_000_000  # the program, not all images
        int8 = fashion_mnist.convert(load_model(str(output / f"{name}.pt2")).module, test.images)
        assert fashion_mnist.accuracy(int8, test) == result["test_int8"]


def test_speed_is_of_our_kernels(whole: tuple[Path, dict[str, Any]]) -> None:
    speeds = whole[1]["networks"][0]["speeds"]
    assert [speed["row"] for speed in speeds] == ["float32, PyTorch", *(row.name for row in ROWS[:3])]
    assert speeds[0]["kernels"] == {}
    for speed in speeds[1:]:
        assert sum(speed["kernels"].values()) > 5
        assert all(ms > 0 for ms in speed["ms"].values())


def test_a_complete_run_trains_nothing(
    whole: tuple[Path, dict[str, Any]],
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output, found = whole
    monkeypatch.setattr(fashion_mnist, "train", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(fashion_mnist, "QUICK", TINY)
    folders = ["--data", str(data), "--output", str(output)]
    command = ["--quick", "--networks", "separable", "--jobs", "1", "--markdown", *folders]
    assert fashion_mnist.main(command) == 0
    assert json.loads((output / "results.json").read_text())["results"] == found["results"]
    page = capsys.readouterr().out
    assert page.startswith("# Accuracy and speed on Fashion-MNIST: figures\n")
    tables = ("accuracy on the test images", "int8 on our kernels", "within 0.5 points of dense float32")
    assert [page.count(title) for title in tables] == [1, 1, 1]
    assert "\n- CPU: " in page


def test_a_run_that_was_cut_off_goes_on(
    whole: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = 0
    original = fashion_mnist.Batches.__iter__

    def cut_off(self: fashion_mnist.Batches) -> Iterator[Any]:
        nonlocal epochs
        epochs += 1
        if epochs == 5:  # the second of the second row
            raise KeyboardInterrupt
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(fashion_mnist.Batches, "__iter__", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(data, tmp_path)
    assert (tmp_path / "separable-0-dense.json").exists()
    assert (tmp_path / "separable-0-pruned-4x4.checkpoint").exists()
    assert accuracies(run(data, tmp_path)) == accuracies(whole[1])
    assert not list(tmp_path.glob("*.checkpoint"))
    whole_weights, weights = (
        torch.load(folder / "separable-0-pruned-4x4.pt") for folder in (whole[0], tmp_path)
    )
    assert all(torch.equal(whole_weights[name], weights[name]) for name in weights)


def test_results_of_another_plan_are_refused(whole: tuple[Path, dict[str, Any]]) -> None:
    other = Plan(seeds=(0,), images=100, epochs=TINY.epochs, rounds=2)
    with pytest.raises(ValueError, match="results of another plan"):
        Folder(whole[0], other).prepare()
    # Further seeds and rounds are no other plan.
    Folder(whole[0], Plan((0, 1), TINY.images, TINY.epochs, rounds=9)).prepare()


def test_splits_do_not_overlap(data: Path) -> None:
    splits = fashion_mnist.load_data(data, 10_000)
    assert [len(split.labels) for split in (splits.train, splits.validation, splits.test)] == [2560, 500, 400]
    everything = torch.cat([splits.train.images, splits.validation.images, splits.test.images])
    assert len(everything.flatten(1).unique(dim=0)) == 3460
    assert torch.equal(splits.validation.images, fashion_mnist.load_data(data, 100).validation.images)


def test_bad_files_are_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fashion_mnist.main(["--data", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "train-images-idx3-ubyte.gz") in error
    assert "apt-get install dataset-fashion-mnist" in error
    assert not (tmp_path / "out").exists()
    broken = tmp_path / "broken.gz"
    for content, message in (
        (b"\0\0\x0d\x01" + bytes(8), "no IDX file"),
        (b"\0\0\x08\x01\0\0\0\x05ab", "2 values"),
    ):
        broken.write_bytes(gzip.compress(content))
        with pytest.raises(ValueError, match=message):
            fashion_mnist.read_idx(broken)
    broken.write_bytes(b"plain")
    with pytest.raises(ValueError, match="no gzip file"):
        fashion_mnist.read_idx(broken)


def result(row: str, seed: int, validation: float, test: float) -> Result:
    return Result("resnet", seed, row, validation, validation, test + 1.0, test, 0.8, 0.7, 1.0)


def test_choices_are_made_on_validation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fashion_mnist, "ROWS", ROWS)
    results = [
        result(row.name, seed, validation=90.0 + (row.name == "pruned 1x4"), test=90.0 - index - seed)
        for seed in (1, 0)
        for index, row in enumerate(ROWS)
    ]
    rows = fashion_mnist.summarize(results, "resnet")
    assert [row.row for row in rows] == [row.name for row in ROWS]
    assert rows[1].test_int8 == (89.0, 88.0)
    assert rows[1].difference == (-2.0, -2.0)
    speeds = tuple(Speed(row.name, {1: 2.0 - 0.3 * i, 32: 1.0}, {}) for i, row in enumerate(ROWS))
    finding = Finding("resnet", rows, speeds)
    assert finding.best().row == "pruned 1x4"
    assert "-4.00 points" in finding.verdict()
    assert "1.82 times at batch 1, 1.00 times at batch 32" in finding.verdict()
    assert "missed (accuracy, not faster at batch 32)" in finding.verdict()
    fashion_mnist.accuracy_table(finding).print(markdown=True)
    fashion_mnist.speed_table(finding).print(markdown=True)
    printed = capsys.readouterr().out
    spreads = "89.50 (89.00 to 90.00) | 88.50 (88.00 to 89.00) | -2.00 (-2.00 to -2.00)"
    assert f"| pruned 4x4 | 80% | 70% | {spreads} | 90.00 (90.00 to 90.00) |" in printed
    assert "| pruned 1x4 | 1100.0 | 1.82 x | 1000.0 | 1.00 x |" in printed


@pytest.mark.parametrize(
    ("difference", "ms", "missed"),
    [
        ((-0.4, -0.6), {1: 0.9, 32: 0.5}, ()),
        ((-0.5, -0.7), {1: 0.9, 32: 0.5}, ("accuracy",)),
        ((-0.1, 0.2), {1: 1.0, 32: 0.5}, ("not faster at batch 1",)),
    ],
)
def test_the_goal_is_points_and_speed(
    difference: tuple[float, ...], ms: dict[int, float], missed: tuple[str, ...]
) -> None:
    rows = tuple(
        Summary(row.name, 0.8, 0.7, (90.0, 90.0), (90.0, 90.0), (90.0, 90.0), difference) for row in ROWS[:2]
    )
    speeds = (Speed("dense", {1: 1.0, 32: 1.0}, {}), Speed("pruned 4x4", ms, {}))
    finding = Finding("resnet", rows, speeds)
    assert finding.missed(rows[1]) == missed
    cells = fashion_mnist.goal_table(finding).rows
    assert [row[0] for row in cells] == ["pruned 4x4"]
    assert cells[0][-1] == (f"missed ({missed[0]})" if missed else "met")


@pytest.mark.skipif(
    not (fashion_mnist.DATA / "train-images-idx3-ubyte.gz").exists(),
    reason="the Debian package dataset-fashion-mnist is not installed",
)
def test_quick_run_on_the_real_images(tmp_path: Path) -> None:
    command = [sys.executable, fashion_mnist.__file__, "--quick", "--json", "--output", str(tmp_path)]
    done = subprocess.run([*command, "--networks", "separable"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "results.json").read_text())
    rows = {row["row"]: row for row in found["results"]}
    assert list(rows) == [row.name for row in ROWS]
    assert rows["dense"]["test_float"] > 75.0
    for row in rows.values():
        assert abs(row["test_int8"] - row["test_float"]) < 2.0
    assert "validation prefers pruned" in found["networks"][0]["verdict"]

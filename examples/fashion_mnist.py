"""What int8 and zeros in blocks cost in accuracy and gain in speed, on Fashion-MNIST.

    python examples/fashion_mnist.py            # three seeds; under 30 minutes on two quiet cores
    python examples/fashion_mnist.py --quick    # one seed, little training: two minutes, a smoke test

Two networks are trained, pruned to 80 % zeros with and without a teacher, quantized and converted, step by
step as one would do it with a network of one's own:

    mk.distill(model, None, batches, ...)                       train
    pruner = mk.prune(model, 0.8, block, schedule=...)          prune, while ...
    mk.distill(model, teacher, batches, pruner=pruner, ...)     ... it is trained further
    qmodel = mk.quantize(model, calibration)                    int8
    fast, report = mk.convert(qmodel, example)                  onto our kernels

Choices are made on 5,000 validation images; the 10,000 test images only tell how it went. Every row is kept
in a file as soon as it is found, every epoch in a checkpoint: a run that was cut off goes on where it
stopped, and one that is complete measures the times anew.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import multiprocessing
import os
import statistics
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import mobilekernels as mk
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.pinning import cpu_to_pin, cpus, pinned
from mobilekernels.cli.output import print_table
from mobilekernels.models import load_model
from mobilekernels.progress import say
from mobilekernels.timing import Candidate, interleave, torch_threads

DATA = Path("/usr/share/datasets/fashion-mnist")
GET_DATA = (
    "apt-get install dataset-fashion-mnist (Debian, Ubuntu) puts them into "
    f"{DATA}; elsewhere take them from data/fashion of https://github.com/zalandoresearch/fashion-mnist"
)
MEAN, DEVIATION = 0.2860, 0.3530  # of the training pixels, 0 to 1

SPARSITY = 0.8
VALIDATION_IMAGES = 5_000
CALIBRATION_IMAGES = 512
BATCH = 128
RATE = 0.1
TIMED_BATCHES = (1, 32)
POINTS = 0.5  # the goal: a pruned int8 network within so many of dense float32, and faster than dense int8


# The experiment: what is trained, and how long.


@dataclass(frozen=True)
class Epochs:
    """Of one network. One schedule in all, the same for every row: the learning rate rises, holds, and falls.

    Attributes:
        shared: before rows part, at the full rate after a short rise.
        further: of each row; the rate falls to zero in a straight line.
    """

    shared: int
    further: int


@dataclass(frozen=True)
class Row:
    """One way to go on from the network that a seed begins with, for as many epochs as all others.

    Attributes:
        block: of the zeros that are made on the way; None where none are.
        taught: whether the finished dense row is the teacher.
    """

    name: str
    block: tuple[int, int] | None = None
    taught: bool = False


DENSE = Row("dense")
ROWS = (
    DENSE,
    Row("pruned 4x4", (4, 4)),
    Row("pruned 4x4, taught", (4, 4), taught=True),
    Row("pruned 1x4", (1, 4)),
    Row("pruned 1x4, taught", (1, 4), taught=True),
)


@dataclass(frozen=True)
class Plan:
    """How much is done. Results of one plan do not mix with those of another.

    Attributes:
        images: to train on, at most.
        epochs: by network.
        rounds: of the timing.
    """

    seeds: tuple[int, ...]
    images: int
    epochs: dict[str, Epochs]
    rounds: int


FULL = Plan((0, 1, 2), 55_000, epochs={"resnet": Epochs(2, 2), "separable": Epochs(2, 4)}, rounds=30)
QUICK = Plan((0,), 10_000, epochs={"resnet": Epochs(2, 1), "separable": Epochs(2, 1)}, rounds=5)


@dataclass(frozen=True)
class Result:
    """One row of one seed. Accuracies are per cent of the images; int8 runs on our kernels.

    Attributes:
        zeros: share of zeros in the layers that were pruned; 0 where none was.
        model_zeros: the same in all convolutions and linear layers.
        cpu_seconds: of training, quantizing and evaluating.
    """

    network: str
    seed: int
    row: str
    validation_float: float
    validation_int8: float
    test_float: float
    test_int8: float
    zeros: float
    model_zeros: float
    cpu_seconds: float


# The data.


@dataclass(frozen=True)
class Split:
    """Images float32 [N, 1, 28, 28], normalised, and labels int64 [N]."""

    images: Tensor
    labels: Tensor

    def take(self, chosen: Tensor | slice) -> Split:
        return Split(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Data:
    train: Split
    validation: Split
    test: Split

    @property
    def calibration(self) -> tuple[Tensor, ...]:
        """Training images in batches, to find ranges of activations with.

        Copies: a file of a program holds its example inputs, and of a slice everything that it is a slice of.
        """
        return tuple(batch.clone() for batch in self.train.images[:CALIBRATION_IMAGES].split(64))


def load_data(folder: Path, images: int) -> Data:
    """The three splits; which training images validate is the same in every run."""
    known, test = (_read_split(folder, name) for name in ("train", "t10k"))
    order = torch.randperm(len(known.labels), generator=torch.Generator().manual_seed(2020))
    validating, training = order[:VALIDATION_IMAGES], order[VALIDATION_IMAGES:][:images]
    return Data(known.take(training), known.take(validating), test)


def _read_split(folder: Path, name: str) -> Split:
    pixels = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz")
    images = (torch.from_numpy(pixels).float() / 255 - MEAN) / DEVIATION
    return Split(images[:, None], torch.from_numpy(labels).long())


def read_idx(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A gzipped IDX file of bytes: two zeros, the type 8, the number of dimensions, their sizes, the values.

    Raises:
        FileNotFoundError: there is no such file; the message says how to get it.
        ValueError: the file is something else.
    """
    if not path.exists():
        raise FileNotFoundError(f"data: {path} is missing; {GET_DATA}")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"data: {path} is no gzip file, or not whole ({error})") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"data: {path} is no IDX file of bytes")
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != shape.prod():
        raise ValueError(f"data: {path} has {values.size} values; its header promises {tuple(shape)}")
    return values.reshape(shape).copy()


class Batches:
    """A loader for `mk.distill`: shuffled, images mirrored by chance, a last partial batch left out."""

    def __init__(self, split: Split, seed: int) -> None:
        self._split = split
        self.generator = torch.Generator().manual_seed(seed)  # `mk.distill` saves its state in checkpoints

    def __len__(self) -> int:
        return len(self._split.labels) // BATCH

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self._split.labels), generator=self.generator)
        for chosen in order[: len(self) * BATCH].split(BATCH):
            batch = self._split.take(chosen)
            mirrored = torch.rand(BATCH, generator=self.generator) < 0.5
            images = torch.where(mirrored[:, None, None, None], batch.images.flip(3), batch.images)
            yield images.to(memory_format=torch.channels_last), batch.labels


# The networks.


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def _head(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (ResNet's basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride)
        self.second = _convolution(outputs, outputs, 3)
        self.shortcut = _convolution(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet() -> nn.Module:
    """3.7 million multiply-accumulates, 205,000 parameters."""
    stem = nn.Sequential(_convolution(1, 16, 3, 2), nn.ReLU())
    return nn.Sequential(stem, Residual(16, 32, 2), Residual(32, 128, 2), _head(128))


def separable() -> nn.Module:
    """MobileNet's kind: 0.8 million multiply-accumulates, 36,000 parameters."""
    layers: list[nn.Module] = [_convolution(1, 32, 3, 2), nn.ReLU()]
    channels = 32
    for outputs, stride in ((64, 2), (64, 1), (128, 2), (128, 1)):
        layers += [_convolution(channels, channels, 3, stride, groups=channels), nn.ReLU()]
        layers += [_convolution(channels, outputs, 1), nn.ReLU()]
        channels = outputs
    return nn.Sequential(*layers, _head(channels))


NETWORKS: dict[str, Callable[[], nn.Module]] = {"resnet": resnet, "separable": separable}


# The steps, as one would do them with a network of one's own.


def train(
    model: nn.Module,
    batches: Batches,
    epochs: int,
    checkpoint: Path,
    row: Row | None = None,
    teacher: nn.Module | None = None,
) -> mk.SparsityReport | None:
    """Train in place: what rows share where there is none; else to the end, pruning on the way if asked."""
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = epochs * len(batches)
    start, end, over = (0.1, 1.0, len(batches) // 4) if row is None else (1.0, 0.0, steps)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start, end, over)
    pruner = None
    if row is not None and row.block is not None:
        # The zeros are there after half of the steps; the other half recovers from them.
        updates = max(1, min(20, steps // 2))
        schedule = mk.CubicSchedule(updates=updates, every=max(1, steps // (2 * updates)))
        pruner = mk.prune(model, SPARSITY, row.block, schedule=schedule)
    mk.distill(
        model,
        teacher,
        batches,
        epochs=epochs,
        optimizer=optimizer,
        scheduler=scheduler,
        pruner=pruner,
        progress=False,
        checkpoint=checkpoint,
    )
    return None if pruner is None else pruner.finish()


def quantize(model: nn.Module, data: Data) -> torch.export.ExportedProgram:
    """Int8, as a program that `mk.convert` takes and a file can hold."""
    model = copy.deepcopy(model).to(memory_format=torch.contiguous_format)  # as files of programs want it
    quantized = mk.quantize(model, data.calibration, progress=False)
    batch = torch.export.Dim("batch")
    return torch.export.export(quantized, (data.calibration[0],), dynamic_shapes=({0: batch},))


def convert(quantized: nn.Module | torch.export.ExportedProgram, images: Tensor) -> mk.ConvertedModel:
    """Onto our kernels."""
    fast, report = mk.convert(quantized, images[:1])
    if report.stock:
        raise RuntimeError(f"{len(report.stock)} operators stayed in float:\n{report}")
    return fast


@torch.no_grad()
def accuracy(model: nn.Module, split: Split) -> float:
    """Per cent of the images whose label the model names."""
    answers = torch.cat([model(images).argmax(1) for images in split.images.split(250)])
    return 100.0 * float((answers == split.labels).double().mean())


# A row of a seed, and what of it is in files already.


class Folder:
    """Where results, weights and checkpoints of a plan lie."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self.plan = plan

    def prepare(self) -> None:
        """Make the folder, or make sure that what it holds is of this plan."""
        self.path.mkdir(parents=True, exist_ok=True)
        settings = {
            name: value for name, value in asdict(self.plan).items() if name not in ("seeds", "rounds")
        }
        file = self.path / "plan.json"
        if not file.exists():
            _write(file, settings)
        elif json.loads(file.read_text()) != settings:
            raise ValueError(f"output: {self.path} holds results of another plan; accepted is another folder")

    def file(self, network: str, seed: int, row: str, kind: str) -> Path:
        name = row.replace(", ", "-").replace(" ", "-")
        return self.path / f"{network}-{seed}-{name}.{kind}"

    def find(self, network: str, seed: int, row: Row) -> Result | None:
        file = self.file(network, seed, row.name, "json")
        return Result(**json.loads(file.read_text())) if file.exists() else None


def _write(path: Path, value: object) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.partial")
    unfinished.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(unfinished, path)


def make_start(network: str, seed: int, data: Data, folder: Folder) -> nn.Module:
    """The network that all rows of a seed go on from: trained here, or found in the folder."""
    torch.manual_seed(seed)
    model = NETWORKS[network]().to(memory_format=torch.channels_last)
    file = folder.file(network, seed, "start", "pt")
    if not file.exists():
        checkpoint = folder.file(network, seed, "start", "checkpoint")
        train(model, Batches(data.train, seed), folder.plan.epochs[network].shared, checkpoint)
        _save(model, file)
        checkpoint.unlink()
    return load(model, file)


def make_row(network: str, seed: int, row: Row, data: Data, folder: Folder) -> Result:
    """Train, quantize, convert and evaluate; the model stays in the folder, in float and in int8."""
    begun = time.process_time()
    model = make_start(network, seed, data, folder)
    teacher = load(copy.deepcopy(model), folder.file(network, seed, DENSE.name, "pt")) if row.taught else None
    checkpoint = folder.file(network, seed, row.name, "checkpoint")
    batches = Batches(data.train, seed + 1000)
    sparsity = train(model, batches, folder.plan.epochs[network].further, checkpoint, row, teacher)
    _save(model, folder.file(network, seed, row.name, "pt"))
    quantized = quantize(model.eval(), data)
    torch.export.save(quantized, folder.file(network, seed, row.name, "pt2"))
    fast = convert(quantized, data.validation.images)
    result = Result(
        network,
        seed,
        row.name,
        validation_float=accuracy(model, data.validation),
        validation_int8=accuracy(fast, data.validation),
        test_float=accuracy(model, data.test),
        test_int8=accuracy(fast, data.test),
        zeros=sparsity.sparsity if sparsity else 0.0,
        model_zeros=sparsity.model_sparsity if sparsity else 0.0,
        cpu_seconds=time.process_time() - begun,
    )
    _write(folder.file(network, seed, row.name, "json"), asdict(result))
    checkpoint.unlink()
    return result


def load(model: nn.Module, file: Path) -> nn.Module:
    """The model with the weights of a file, ready to be evaluated."""
    model.load_state_dict(torch.load(file))
    return model.eval()


def _save(model: nn.Module, file: Path) -> None:
    unfinished = file.with_name(f"{file.name}.partial")
    torch.save(model.state_dict(), unfinished)
    os.replace(unfinished, file)


def make_rows(network: str, seed: int, folder: Folder, data_folder: Path) -> list[Result]:
    """All rows of one network and seed: those in the folder, and those that are missing."""
    data = None
    results = []
    for row in ROWS:
        result = folder.find(network, seed, row)
        if result is None:
            data = data or load_data(data_folder, folder.plan.images)
            result = make_row(network, seed, row, data, folder)
        say(
            f"{network}, seed {seed}, {row.name}: validation {result.validation_float:.2f} % in float32, "
            f"{result.validation_int8:.2f} % in int8 ({result.cpu_seconds:.0f} CPU s)"
        )
        results.append(result)
    return results


def make_all(networks: Sequence[str], folder: Folder, data_folder: Path, jobs: int) -> list[Result]:
    """Rows of every network and seed, in as many processes of one thread each.

    Small convolutions gain little by a second thread, and with one the number of cores changes nothing.
    """
    work = [(network, seed, folder, data_folder) for seed in folder.plan.seeds for network in networks]
    if jobs == 1:
        with torch_threads(1):
            return [result for item in work for result in make_rows(*item)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(make_rows, *item) for item in work]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [result for future in futures for result in future.result()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


# Speed.


@dataclass(frozen=True)
class Speed:
    """One row's time on one thread.

    Attributes:
        ms: of one image, by batch size.
        kernels: how many operators run on which kernel.
    """

    row: str
    ms: dict[int, float]
    kernels: dict[str, int]


def measure(network: str, data: Data, folder: Folder) -> list[Speed]:
    """Times of the first seed's rows, float32 first, round by round in turns."""
    seed = folder.plan.seeds[0]
    example = data.test.images
    floating = load(NETWORKS[network](), folder.file(network, seed, DENSE.name, "pt"))
    models: dict[str, nn.Module] = {"float32, PyTorch": floating.to(memory_format=torch.channels_last)}
    for row in ROWS:
        quantized = load_model(str(folder.file(network, seed, row.name, "pt2"))).module
        models[row.name] = convert(quantized, example)
    times: dict[str, dict[int, float]] = {name: {} for name in models}
    with torch_threads(1), pinned(cpu_to_pin()), torch.inference_mode():
        for batch in TIMED_BATCHES:
            calls = {name: Candidate(partial(model, example[:batch])) for name, model in models.items()}
            for name, timing in interleave(calls, folder.plan.rounds).items():
                times[name][batch] = 1e3 * timing.median / batch
    return [Speed(name, times[name], _kernels(model)) for name, model in models.items()]


def _kernels(model: nn.Module) -> dict[str, int]:
    layers = model.report.ours if isinstance(model, mk.ConvertedModel) else ()
    return dict(Counter(layer.kernel for layer in layers))


# The tables.


@dataclass(frozen=True)
class Summary:
    """A row over all seeds: tuples have a value a seed.

    Attributes:
        zeros, model_zeros: as in `Result`, means.
        validation_int8: what choices are made by.
        test_float, test_int8: per cent of the test images.
        difference: points that int8 is above dense float32 of the same seed.
    """

    row: str
    zeros: float
    model_zeros: float
    validation_int8: tuple[float, ...]
    test_float: tuple[float, ...]
    test_int8: tuple[float, ...]
    difference: tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """What is found about a network."""

    network: str
    rows: tuple[Summary, ...]
    speeds: tuple[Speed, ...]

    @property
    def pruned(self) -> tuple[Summary, ...]:
        names = {row.name for row in ROWS if row.block is not None}
        return tuple(summary for summary in self.rows if summary.row in names)

    def best(self) -> Summary:
        """The pruned row that validation prefers."""
        return max(self.pruned, key=lambda summary: statistics.mean(summary.validation_int8))

    def gains(self, row: str) -> tuple[float, ...]:
        """How many times as fast as dense int8 a row is, by timed batch."""
        ms = {speed.row: speed.ms for speed in self.speeds}
        return tuple(ms[DENSE.name][batch] / ms[row][batch] for batch in TIMED_BATCHES)

    def missed(self, summary: Summary) -> tuple[str, ...]:
        """What a pruned row lacks of the goal; nothing where it meets it."""
        accurate = statistics.mean(summary.difference) >= -POINTS
        gains = zip(TIMED_BATCHES, self.gains(summary.row), strict=True)
        slow = [f"not faster at batch {batch}" for batch, gain in gains if gain <= 1.0]
        return (*(() if accurate else ("accuracy",)), *slow)

    def verdict(self) -> str:
        """The pruned row that validation prefers, against the dense network."""
        best = self.best()
        gains = zip(TIMED_BATCHES, self.gains(best.row), strict=True)
        speed = ", ".join(f"{gain:.2f} times at batch {batch}" for batch, gain in gains)
        missed = self.missed(best)
        return (
            f"{self.network}: of the pruned rows validation prefers {best.row}. In int8 it is "
            f"{statistics.mean(best.difference):+.2f} points from dense float32 on the test images, and its "
            f"speed is that of dense int8 {speed}. The goal is {_goal(missed)}."
        )


def _goal(missed: Sequence[str]) -> str:
    return f"missed ({', '.join(missed)})" if missed else "met"


def summarize(results: Iterable[Result], network: str) -> tuple[Summary, ...]:
    """Rows of one network in the order of `ROWS`."""
    found = {(result.row, result.seed): result for result in results if result.network == network}
    seeds = sorted({seed for _, seed in found})
    summaries = []
    for row in ROWS:
        mine = [found[row.name, seed] for seed in seeds]
        dense = [found[DENSE.name, seed].test_float for seed in seeds]
        summaries.append(
            Summary(
                row.name,
                zeros=statistics.mean(result.zeros for result in mine),
                model_zeros=statistics.mean(result.model_zeros for result in mine),
                validation_int8=tuple(result.validation_int8 for result in mine),
                test_float=tuple(result.test_float for result in mine),
                test_int8=tuple(result.test_int8 for result in mine),
                difference=tuple(result.test_int8 - base for result, base in zip(mine, dense, strict=True)),
            )
        )
    return tuple(summaries)


@dataclass(frozen=True)
class Table:
    """Of text; all columns but the first are numbers."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def print(self, markdown: bool) -> None:
        if markdown:
            print(f"**{self.title}**\n")
            for cells in (self.header, ("---", *["--:"] * (len(self.header) - 1)), *self.rows):
                print(f"| {' | '.join(cells)} |")
        else:
            print_table(self.header, self.rows, numeric=range(1, len(self.header)), title=self.title)
        print()


def accuracy_table(finding: Finding) -> Table:
    """Mean over the seeds, with the least and the greatest."""
    header = (
        "row",
        "zeros",
        "of all weights",
        "float32 %",
        "int8 %",
        "int8 - dense float32",
        "validation: int8 %",
    )
    cells = [
        (
            summary.row,
            *(f"{share:.0%}" if share else "" for share in (summary.zeros, summary.model_zeros)),
            _spread(summary.test_float),
            _spread(summary.test_int8),
            _spread(summary.difference, "+.2f"),
            _spread(summary.validation_int8),
        )
        for summary in finding.rows
    ]
    seeds = len(finding.rows[0].test_float)
    return Table(f"{finding.network}: accuracy on the test images (seeds: {seeds})", header, cells)


def _spread(values: Sequence[float], form: str = ".2f") -> str:
    mean = format(statistics.mean(values), form)
    return mean if len(values) == 1 else f"{mean} ({min(values):{form}} to {max(values):{form}})"


def speed_table(finding: Finding) -> Table:
    """Microseconds of an image, and how many times as fast as dense int8."""
    header = ["row", *(text for batch in TIMED_BATCHES for text in (f"us an image, batch {batch}", "speed"))]
    dense = next(speed for speed in finding.speeds if speed.row == DENSE.name)
    cells = []
    for speed in finding.speeds:
        times = [(f"{1e3 * speed.ms[b]:.1f}", f"{dense.ms[b] / speed.ms[b]:.2f} x") for b in TIMED_BATCHES]
        cells.append((speed.row, *(cell for pair in times for cell in pair)))
    return Table(
        f"{finding.network}: int8 on our kernels, one thread; speed of dense int8: 1", tuple(header), cells
    )


def goal_table(finding: Finding) -> Table:
    """Of pruned rows in int8: the points and the speed, and whether both are as they are to be."""
    header = ("row", "points from dense float32", *(f"speed, batch {b}" for b in TIMED_BATCHES), "goal")
    cells = [
        (
            summary.row,
            format(statistics.mean(summary.difference), "+.2f"),
            *(f"{gain:.2f} x" for gain in finding.gains(summary.row)),
            _goal(finding.missed(summary)),
        )
        for summary in finding.pruned
    ]
    title = f"{finding.network}: int8 within {POINTS} points of dense float32, and faster than dense int8?"
    return Table(title, header, cells)


# The command.


def run(plan: Plan, networks: Sequence[str], data_folder: Path, output: Path, jobs: int) -> list[Finding]:
    """Everything; the results are left in results.json too."""
    data = load_data(data_folder, plan.images)
    folder = Folder(output, plan)
    folder.prepare()
    results = make_all(networks, folder, data_folder, jobs)
    findings = []
    for network in networks:
        say(f"{network}: timing")
        speeds = measure(network, data, folder)
        findings.append(Finding(network, summarize(results, network), tuple(speeds)))
    content = {
        "plan": asdict(plan),
        "machine": asdict(this_machine()),
        "networks": [{**asdict(finding), "verdict": finding.verdict()} for finding in findings],
        "results": [asdict(result) for result in results],
    }
    _write(output / "results.json", content)
    return findings


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="one seed, little training: a smoke test")
    add("--data", type=Path, default=DATA, metavar="DIR", help=f"the four idx.gz files ({DATA})")
    add("--output", type=Path, metavar="DIR", help="results and models (fashion-mnist, or -quick)")
    add(
        "--networks",
        nargs="+",
        choices=NETWORKS,
        default=list(NETWORKS),
        metavar="NAME",
        help="resnet separable",
    )
    add("--seeds", nargs="+", type=int, metavar="N", help="instead of 0 1 2, or of 0 where quick")
    add("--jobs", type=int, default=cpus(), metavar="N", help="processes that train, one thread each (CPUs)")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    add("--json", action="store_true", help="print results.json instead of tables")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    plan = QUICK if args.quick else FULL
    plan = replace(plan, seeds=tuple(args.seeds)) if args.seeds else plan
    output = args.output or Path("fashion-mnist-quick" if args.quick else "fashion-mnist")
    try:
        findings = run(plan, args.networks, args.data, output, max(1, args.jobs))
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.json:
        print((output / "results.json").read_text(), end="")
        return 0
    if args.markdown:
        print("# Accuracy and speed on Fashion-MNIST: figures\n")
    for finding in findings:
        accuracy_table(finding).print(args.markdown)
        speed_table(finding).print(args.markdown)
        goal_table(finding).print(args.markdown)
        print(f"{finding.verdict()}\n")
    for line in this_machine().lines():
        print(f"- {line}" if args.markdown else line)
    return 0


if __name__ == "__main__":
    sys.exit(main())

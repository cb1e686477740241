"""The main job, step by step: quantize, convert, compare, save, load again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mobilekernels import metrics
from mobilekernels.comparison import Comparison
from mobilekernels.demo import photos
from mobilekernels.demo.network import efficientnet_lite0
from mobilekernels.dynamic_batch import export_dynamic
from mobilekernels.progress import say
from mobilekernels.timing import torch_threads

MODEL_FILE = "efficientnet_lite0_int8.pt2"

# A quick look: enough to see everything work, too little for figures.
QUICK_ENGINES = ("mobilekernels", "torch-float", "onednn")


@dataclass(frozen=True)
class Prediction:
    """What the two models say about one photo; classes by name."""

    name: str
    truth: str
    float_class: str
    int8_class: str
    int8_probability: float


@dataclass
class DemoResult:
    """Everything that the terminal and the report page show."""

    comparison: Comparison
    conversion: Any  # mobilekernels.Report
    predictions: list[Prediction]
    photos: list[photos.Photo] = field(repr=False)
    calibration_items: int
    sqnr_to_graph: float
    model_path: Path
    reload_equal: bool
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The figures, in types that JSON has."""
        return {
            "comparison": self.comparison.to_dict(),
            "conversion": self.conversion.to_dict(),
            "predictions": [vars(prediction) for prediction in self.predictions],
            "calibration_items": self.calibration_items,
            "sqnr_db_to_quantized_graph": self.sqnr_to_graph,
            "model": str(self.model_path),
            "reload_equal": self.reload_equal,
            "seconds": self.seconds,
        }


def run(
    output: Path, quick: bool = False, threads: int = 1, rounds: int | None = None, progress: bool = True
) -> DemoResult:
    """Do the main job and leave the converted model in ``output``.

    Args:
        output: a folder; made where it is missing.
        quick: few calibration photos, engines and rounds.
        threads: for everything. One is the default because that is how phones are compared, and because
            more of them crawl where something else keeps the cores busy.
        rounds: timed rounds; 20 where None, 3 with ``quick``.
    """
    with torch_threads(threads):
        return _run(output, quick, threads, rounds, progress)


def _run(output: Path, quick: bool, threads: int, rounds: int | None, progress: bool) -> DemoResult:
    from mobilekernels.compare import compare
    from mobilekernels.convert import convert
    from mobilekernels.quantization import quantize

    output.mkdir(parents=True, exist_ok=True)
    steps = _Steps(progress)
    with steps("load"):
        network = efficientnet_lite0()
        labelled = photos.labelled_photos()
        calibration = photos.calibration_tensors(crops=0 if quick else 2)
        calls = [photo.tensor() for photo in labelled]
        labels = torch.tensor([photo.label for photo in labelled])
    with steps("quantize"):
        # In batches of 8: fewer calls of a slow graph.
        batches = torch.cat(calibration).split(8)
        quantized = quantize(network, batches, example_inputs=(calls[0],), progress=progress)
    with steps("convert"):
        converted, report = convert(quantized, (calls[0],))
    with steps("check"), torch.no_grad():
        ours = torch.cat([converted(call) for call in calls])
        graph = torch.cat([quantized(call) for call in calls])
        reference = torch.cat([network(call) for call in calls])
    with steps("compare"):
        comparison = compare(
            network,
            converted,
            calls,
            quantized=quantized,
            # Stock engines calibrate one call at a time: every other photo is enough, and half the time.
            calibration_data=calibration[:: 1 if quick else 2],
            engines=QUICK_ENGINES if quick else "all",
            threads=threads,
            rounds=rounds if rounds is not None else (3 if quick else 20),
            labels=labels,
            progress=progress,
        )
    with steps("save"):
        path = output / MODEL_FILE
        equal = save_and_reload(converted, path, calls, ours)
    return DemoResult(
        comparison=comparison,
        conversion=report,
        predictions=_predictions(labelled, reference, ours),
        photos=labelled,
        calibration_items=len(calibration),
        sqnr_to_graph=metrics.sqnr(graph, ours),
        model_path=path,
        reload_equal=equal,
        seconds=steps.seconds,
    )


def save_and_reload(model: nn.Module, path: Path, calls: list[torch.Tensor], expected: torch.Tensor) -> bool:
    """Save with a dynamic batch and load again; whether that gives the same bytes, one by one and at once."""
    torch.export.save(export_dynamic(model, (calls[0],)), path)
    with torch.no_grad():
        loaded = torch.export.load(path).module()
        singly = torch.cat([loaded(call) for call in calls])
        at_once = loaded(torch.cat(calls))
    return torch.equal(singly, expected) and torch.equal(at_once, expected)


def _predictions(
    labelled: list[photos.Photo], reference: torch.Tensor, ours: torch.Tensor
) -> list[Prediction]:
    names = photos.class_names()
    probabilities = ours.softmax(-1)
    return [
        Prediction(
            name=photo.name,
            truth=names[photo.label],
            float_class=names[int(reference[index].argmax())],
            int8_class=names[int(ours[index].argmax())],
            int8_probability=float(probabilities[index].max()),
        )
        for index, photo in enumerate(labelled)
    ]


_STEPS = {
    "load": "Loading EfficientNet-Lite0 and photos",
    "quantize": "Quantizing on calibration photos",
    "convert": "Rewriting onto our kernels",
    "check": "Running the labelled photos",
    "compare": "Comparing with stock engines",
    "save": "Saving as .pt2 and loading it again",
}


class _Steps:
    """Announces the steps and keeps their times."""

    def __init__(self, progress: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        say(f"[{len(self.seconds) + 1}/{len(_STEPS)}] {_STEPS[name]}", self._progress)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

"""Compare a converted model with the float model and with stock engines: accuracy and latency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule

from mobilekernels import metrics
from mobilekernels.comparison import Comparison, EngineResult
from mobilekernels.engines import Engine, EngineAbsent, Pending, Prepared, Subject, select
from mobilekernels.engines.base import Inputs, first_output
from mobilekernels.progress import say, track
from mobilekernels.timing import Candidate, interleave, torch_threads

__all__ = ["Comparison", "EngineResult", "compare"]

OURS = "mobilekernels"
REFERENCE = "torch-float"


def compare(
    float_model: nn.Module,
    converted: nn.Module | None,
    data: Any,
    *,
    quantized: GraphModule | None = None,
    calibration_data: Any = None,
    engines: str | Sequence[str] = "all",
    threads: int = 1,
    rounds: int = 20,
    labels: Any = None,
    progress: bool = True,
    around_timing: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Comparison:
    """Run every engine on the same data and time them, interleaved round by round.

    Args:
        float_model: the float32 module that everything is measured against; put into eval mode while it runs.
        converted: the module that ``mobilekernels.convert`` returned, or None to compare stock engines alone.
        data: a tensor [N, ...] (N calls of batch 1), or an iterable of calls: tensors, tuples of inputs, or
            (input, label) pairs. All of one shape. The first call is the one that is timed.
        quantized: the PT2E graph that was converted; XNNPACK then also runs that very graph.
        calibration_data: calls for the engines that quantize the float model themselves. ``data`` where None,
            which favours them; the comparison then says so.
        engines: ``"all"`` or names, see ``mobilekernels.engines.ENGINES``.
        threads: for every engine.
        rounds: timed rounds; 0 skips timing.
        labels: class indices [rows], where ``data`` does not bring them.
        progress: whether to show progress on stderr.
        around_timing: gives what surrounds all timed rounds, when every engine is ready (pinning to a CPU).

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value; the message names it.
    """
    if not isinstance(float_model, nn.Module):
        raise TypeError(f"float_model: given a {type(float_model).__name__}; accepted is a torch.nn.Module")
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads: given {threads!r}; accepted are integers from 1 on")
    if not isinstance(rounds, int) or rounds < 0:
        raise ValueError(f"rounds: given {rounds!r}; accepted are integers from 0 on")
    chosen = select(engines)
    calls, found_labels = _calls(data, "data")
    truth = found_labels if labels is None else torch.as_tensor(labels)
    notes: list[str] = []
    if calibration_data is None:
        calibration = calls
        notes.append(
            "Stock int8 engines were calibrated on the very data of this comparison, which favours them."
        )
    else:
        calibration, _ = _calls(calibration_data, "calibration_data")
    subject = Subject(float_model, calls[0], tuple(calibration), quantized, converted, threads)
    # Few threads while preparing too: the engines that are made ready beside this process need the cores.
    with _eval_mode(float_model), torch_threads(threads), torch.no_grad():
        reference = torch.cat([first_output(float_model(*call)) for call in calls])
        _check_labels(truth, reference)
        prepared, absent = _prepare(chosen, subject, progress)
        outputs = {name: _run(item, calls) for name, item in prepared.items()}
        with around_timing():
            medians = _time(prepared, calls[0], rounds, progress)
    results = tuple(
        _result(engine, absent, prepared, outputs, medians, reference, truth) for engine in chosen
    )
    return Comparison(
        results=results,
        samples=len(calls),
        rows=reference.shape[0],
        threads=threads,
        rounds=rounds,
        input_shapes=tuple(tuple(tensor.shape) for tensor in calls[0]),
        notes=tuple(notes),
    )


def _calls(data: Any, name: str) -> tuple[list[Inputs], torch.Tensor | None]:
    """The calls of a data argument, and the labels where its items bring them."""
    if isinstance(data, torch.Tensor):
        if data.dim() == 0 or data.shape[0] == 0:
            raise ValueError(
                f"{name}: given shape {tuple(data.shape)}; accepted is [N, ...] with N from 1 on"
            )
        return [(sample,) for sample in data.split(1)], None
    if isinstance(data, (str, bytes, dict)) or not isinstance(data, Iterable):
        raise TypeError(
            f"{name}: given a {type(data).__name__}; accepted is a tensor or an iterable of calls"
        )
    calls: list[Inputs] = []
    labels: list[torch.Tensor] = []
    for item in data:
        parts = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if len(parts) == 2 and _is_label(parts[1]):
            labels.append(torch.as_tensor(parts[1]).reshape(-1))
            parts = parts[:1]
        if not parts or not all(isinstance(part, torch.Tensor) for part in parts):
            raise TypeError(
                f"{name}[{len(calls)}]: given {item!r:.80}; accepted are tensors, tuples of them or pairs"
            )
        if calls and [p.shape for p in parts] != [p.shape for p in calls[0]]:
            raise ValueError(
                f"{name}[{len(calls)}]: given shapes {[tuple(p.shape) for p in parts]}; "
                f"accepted are those of the first item, {[tuple(p.shape) for p in calls[0]]}"
            )
        calls.append(parts)
    if not calls:
        raise ValueError(f"{name}: given no item; accepted is at least one call")
    if labels and len(labels) != len(calls):
        raise ValueError(
            f"{name}: given labels with {len(labels)} of {len(calls)} items; accepted is all or none"
        )
    return calls, torch.cat(labels) if labels else None


def _is_label(item: Any) -> bool:
    if isinstance(item, torch.Tensor):
        return item.dim() <= 1 and not item.is_floating_point()
    return isinstance(item, int)


def _check_labels(labels: torch.Tensor | None, reference: torch.Tensor) -> None:
    if labels is not None and tuple(labels.shape) != (reference.shape[0],):
        raise ValueError(f"labels: given shape {tuple(labels.shape)}; accepted is [{reference.shape[0]}]")


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _prepare(
    chosen: Sequence[Engine], subject: Subject, progress: bool
) -> tuple[dict[str, Prepared], dict[str, str]]:
    """Every engine made ready, or the reason why not; the slow ones meanwhile work beside each other."""
    begun: dict[str, Prepared | Pending] = {}
    prepared: dict[str, Prepared] = {}
    absent: dict[str, str] = {}
    try:
        for engine in sorted(chosen, key=lambda engine: not engine.slow):
            say(f"Preparing {engine.title}", progress)
            try:
                begun[engine.name] = engine.begin(subject)
            except EngineAbsent as reason:
                absent[engine.name] = str(reason)
        for engine in chosen:
            item = begun.pop(engine.name, None)
            if isinstance(item, Pending):
                say(f"Waiting for {engine.title}", progress)
                try:
                    prepared[engine.name] = item.finish()
                except EngineAbsent as reason:
                    absent[engine.name] = str(reason)
            elif item is not None:
                prepared[engine.name] = item
    finally:
        for item in begun.values():
            if isinstance(item, Pending):
                item.cancel()
    return prepared, absent


def _run(prepared: Prepared, calls: Sequence[Inputs]) -> torch.Tensor:
    with prepared.session():
        return torch.cat([prepared.run(*call).clone() for call in calls])


def _time(
    prepared: dict[str, Prepared], call: Inputs, rounds: int, progress: bool
) -> dict[str, tuple[float, tuple[float, float]]]:
    if rounds == 0 or not prepared:
        return {}
    candidates = {
        name: Candidate(call=lambda item=item: item.run(*call), session=item.session)  # type: ignore[misc]
        for name, item in prepared.items()
    }
    bar = iter(track(range(rounds), "Timing, rounds", show=progress))
    next(bar)
    timings = interleave(candidates, rounds, after_round=lambda: next(bar, None))
    return {name: (timing.median, timing.quartiles) for name, timing in timings.items()}


def _result(
    engine: Engine,
    absent: dict[str, str],
    prepared: dict[str, Prepared],
    outputs: dict[str, torch.Tensor],
    medians: dict[str, tuple[float, tuple[float, float]]],
    reference: torch.Tensor,
    labels: torch.Tensor | None,
) -> EngineResult:
    if engine.name in absent:
        return EngineResult(engine.name, engine.title, engine.dtype, absent=absent[engine.name])
    found = outputs[engine.name]
    median, quartiles = medians.get(engine.name, (None, None))
    ours = medians.get(OURS, (None, None))[0]
    classes = reference.dim() == 2
    return EngineResult(
        name=engine.name,
        title=engine.title,
        dtype=engine.dtype,
        agreement=metrics.agreement(reference, found) if classes else None,
        accuracy=metrics.accuracy(found, labels) if classes and labels is not None else None,
        sqnr_db=metrics.sqnr(reference, found),
        cosine=metrics.cosine(reference, found),
        median_ms=None if median is None else 1e3 * median,
        quartiles_ms=None if quartiles is None else (1e3 * quartiles[0], 1e3 * quartiles[1]),
        ratio=None if median is None or ours is None else median / ours,
        note=prepared[engine.name].note,
    )

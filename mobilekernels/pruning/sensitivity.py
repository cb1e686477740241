"""How much each layer's zeros cost when all others are dense."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mobilekernels.progress import say, track
from mobilekernels.pruning.blocks import Block, check_block
from mobilekernels.pruning.layers import Layer, Skip, choose_layers
from mobilekernels.pruning.pruner import check_sparsity
from mobilekernels.pruning.report import align
from mobilekernels.pruning.select import choose_kept


@dataclass(frozen=True)
class Sensitivity:
    """What a scan found.

    Attributes:
        block: that was pruned.
        baseline: the score of the model as it is.
        scores: by layer, then by sparsity.
    """

    block: Block
    sparsities: tuple[float, ...]
    baseline: float
    scores: dict[str, dict[float, float]]

    def drops(self) -> dict[str, dict[float, float]]:
        """The baseline less the score, by layer and sparsity."""
        return {name: {s: self.baseline - v for s, v in row.items()} for name, row in self.scores.items()}

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it: sparsities as keys are text there."""
        scores = {name: {str(s): value for s, value in row.items()} for name, row in self.scores.items()}
        return {
            **asdict(self),
            "block": list(self.block),
            "sparsities": list(self.sparsities),
            "scores": scores,
        }

    def __str__(self) -> str:
        head = ("layer", "", *(f"{s:.0%}" for s in self.sparsities))
        rows = [(name, "", *(f"{row[s]:.4g}" for s in self.sparsities)) for name, row in self.scores.items()]
        height, width = self.block
        summary = (
            f"score by sparsity in {height}x{width} blocks, one layer at a time; dense: {self.baseline:.4g}"
        )
        return "\n".join((summary, "", *align(head, rows)))


def sensitivity(
    model: nn.Module,
    evaluate: Callable[[nn.Module], float],
    sparsities: Sequence[float] = (0.5, 0.7, 0.8, 0.9),
    block: Block = (4, 4),
    *,
    skip: Skip = (),
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Sensitivity:
    """Prune one layer at a time and evaluate: what to skip, and how far to go.

    Args:
        model: a float module; its weights are changed and put back, also where ``evaluate`` raises.
        evaluate: gives the model's score, such as accuracy on validation data; higher is better.
        sparsities: to try in each layer.
        block: output by input channels: (4, 4), (1, 4) or (1, 1).
        skip: what not to scan: a sequence of name patterns and module types, or a function of (name, module).
            The first and the last layer are scanned.
        checkpoint: a file that takes each score as it is found. A scan that finds it there goes on from it.
        progress: whether to show progress on stderr.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or value, or the checkpoint is of another model,
            block or version; the message names it.
    """
    block = check_block(block)
    if isinstance(sparsities, (str, bytes)) or not isinstance(sparsities, Sequence) or not sparsities:
        raise TypeError(f"sparsities: given {sparsities!r}; accepted is a sequence of numbers, not empty")
    wanted = tuple(check_sparsity(s, "sparsities") for s in sparsities)
    if not callable(evaluate):
        raise TypeError(f"evaluate: given a {type(evaluate).__name__}; accepted is a function of the model")
    layers = [
        x for x in choose_layers(model, block, skip=skip, skip_first=False, skip_last=False) if not x.reason
    ]
    scores = _Scores(checkpoint, {"model": _fingerprint(model), "block": list(block)})
    baseline = scores.find("", 0.0, lambda: _score(evaluate, model))
    found: dict[str, dict[float, float]] = {layer.name: {} for layer in layers}
    work = [(layer, sparsity) for layer in layers for sparsity in wanted]
    for layer, sparsity in track(work, "Scanning layers", show=progress):

        def run(layer: Layer = layer, sparsity: float = sparsity) -> float:
            with _pruned(layer, sparsity):
                return _score(evaluate, model)

        found[layer.name][sparsity] = scores.find(layer.name, sparsity, run)
    if scores.reused:
        say(f"{scores.reused} scores were in {scores.path}", progress)
    return Sensitivity(block, wanted, baseline, found)


@contextlib.contextmanager
def _pruned(layer: Layer, sparsity: float) -> Iterator[None]:
    weight = layer.weight.detach()
    original = weight.clone()
    scores = {layer.name: layer.grid.mean_squares(weight).cpu()}
    kept = choose_kept(scores, {layer.name: layer.grid.sizes()}, sparsity, "layer")[layer.name]
    try:
        weight.masked_fill_(~layer.grid.expand(kept).to(weight.device), 0.0)
        yield
    finally:
        weight.copy_(original)


def _score(evaluate: Callable[[nn.Module], float], model: nn.Module) -> float:
    with torch.no_grad():
        score = evaluate(model)
    try:
        return float(score)
    except (TypeError, ValueError):
        raise TypeError(f"evaluate: returned a {type(score).__name__}; accepted is a number") from None


class _Scores:
    """Scores that outlive the process."""

    def __init__(self, path: str | os.PathLike[str] | None, subject: dict[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.reused = 0
        self._state: dict[str, Any] = {"version": 1, **subject, "scores": {}}
        if self.path is not None and self.path.exists():
            try:
                loaded = json.loads(self.path.read_text())
            except ValueError as error:
                raise ValueError(f"checkpoint: {self.path} is not what a scan wrote ({error})") from error
            for name, mine in self._state.items():
                if name != "scores" and (not isinstance(loaded, dict) or loaded.get(name) != mine):
                    raise ValueError(
                        f"checkpoint: {self.path} is of another {name}; accepted is one of this scan"
                    )
            self._state = loaded

    def find(self, layer: str, sparsity: float, run: Callable[[], float]) -> float:
        key = f"{layer}@{sparsity!r}"
        scores = self._state["scores"]
        if key in scores:
            self.reused += 1
            return float(scores[key])
        score = scores[key] = run()
        if self.path is not None:
            partial = self.path.with_name(self.path.name + ".partial")
            partial.write_text(json.dumps(self._state, indent=1))
            os.replace(partial, self.path)
        return score


def _fingerprint(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        if isinstance(tensor, torch.Tensor):
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()

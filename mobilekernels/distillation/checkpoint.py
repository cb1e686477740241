"""Everything that a training run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

VERSION = 1


def random_state(loader: object) -> dict[str, Any]:
    """Of every generator that shuffling, augmentation or dropout may draw from."""
    kind, keys, *rest = np.random.get_state()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": (kind, [int(key) for key in keys], *rest),
        "loader": [generator.get_state() for generator in _generators(loader)],
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any], loader: object) -> None:
    """Put back what `random_state` returned."""
    generators = _generators(loader)
    if len(generators) != len(state["loader"]):
        raise ValueError(
            f"loader: given one with {len(generators)} generators of its own; accepted is one with "
            f"{len(state['loader'])}, as when the checkpoint was written"
        )
    torch.set_rng_state(state["torch"])
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    kind, numpy_keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(numpy_keys, dtype=np.uint32), *rest))
    for generator, saved in zip(generators, state["loader"], strict=True):
        generator.set_state(saved)
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def save(path: Path, state: dict[str, Any]) -> None:
    """Write all or nothing: a run that is cut off leaves the last checkpoint whole."""
    partial = path.with_name(path.name + ".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; a ValueError that names the file where it is none."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"checkpoint: {path} is not what distill wrote ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ValueError(f"checkpoint: {path} is of another version; accepted is {VERSION}")
    return state


def _generators(loader: object) -> list[torch.Generator]:
    """Those that a DataLoader, its sampler, or a loader of one's own carries, each once."""
    owners = [loader, getattr(loader, "sampler", None)]
    found = [getattr(owner, "generator", None) for owner in owners]
    unique = {id(item): item for item in found if isinstance(item, torch.Generator)}
    return list(unique.values())

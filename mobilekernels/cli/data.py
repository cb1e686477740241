"""Inputs for models: from a folder of images or arrays, or random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mobilekernels.cli.exits import UsageError
from mobilekernels.models import Model
from mobilekernels.requirements import require

Inputs = tuple[torch.Tensor, ...]
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def example_inputs(model: Model, shapes: Sequence[tuple[int, ...]] | None) -> Inputs:
    """The inputs that the command line or the model's source gives."""
    if shapes:
        generator = torch.Generator().manual_seed(0)
        return tuple(torch.randn(shape, generator=generator) for shape in shapes)
    if model.example_inputs is None:
        raise UsageError(
            f"{model.source} brings no example inputs: give --input-shape, such as --input-shape 1,3,224,224"
        )
    return model.example_inputs


def random_calls(example: Inputs, count: int, seed: int = 1) -> list[Inputs]:
    """Calls of the example's shapes, normally distributed."""
    generator = torch.Generator().manual_seed(seed)
    return [
        tuple(torch.randn(t.shape, generator=generator) if t.is_floating_point() else t for t in example)
        for _ in range(count)
    ]


def folder_calls(
    folder: str, example: Inputs, mean: Sequence[float], std: Sequence[float], limit: int = 512
) -> list[Inputs]:
    """Calls of batch 1 from every image or .npy array of a folder, in the order of names.

    Images are resized to the example's height and width and scaled by ``mean`` and ``std``. Arrays are taken
    as
    they are: one call without its batch dimension, or a batch of calls.
    """
    if len(example) != 1:
        raise UsageError(f"--calibration and --data serve models of one input; this one has {len(example)}")
    paths = sorted(p for p in Path(folder).glob("**/*") if p.suffix.lower() in (*IMAGES, ".npy"))[:limit]
    if not paths:
        raise UsageError(
            f"{folder}: given a folder without images or arrays; accepted are {', '.join(IMAGES)}, .npy"
        )
    shape = tuple(example[0].shape[1:])
    calls: list[Inputs] = []
    for path in paths:
        batch = _array(path, shape) if path.suffix == ".npy" else _image(path, shape, mean, std)
        calls += [(call,) for call in batch.split(1)]
    return calls


def _array(path: Path, shape: tuple[int, ...]) -> torch.Tensor:
    array = torch.from_numpy(np.load(path, allow_pickle=False)).float()
    if tuple(array.shape) == shape:
        return array[None]
    if tuple(array.shape[1:]) == shape:
        return array
    raise UsageError(
        f"{path}: given an array of shape {tuple(array.shape)}; accepted is {shape} or a batch of it"
    )


def _image(path: Path, shape: tuple[int, ...], mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    if len(shape) != 3 or shape[0] != len(mean) or len(mean) != len(std):
        raise UsageError(
            f"{path}: images serve models of inputs [N, {len(mean)}, H, W]; this one takes {shape}"
        )
    require("PIL", "demo", "a folder of images")
    from PIL import Image

    mode = "L" if shape[0] == 1 else "RGB"
    image = Image.open(path).convert(mode).resize((shape[2], shape[1]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.float32).reshape(shape[1], shape[2], -1) / 255.0
    scaled = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return torch.from_numpy(scaled).permute(2, 0, 1).contiguous()[None]

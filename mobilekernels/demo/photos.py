"""Photos that ship inside installed packages: labelled ones to test on, others to calibrate with."""

from __future__ import annotations

import importlib.util
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mobilekernels.demo.network import INPUT_SIZE

if TYPE_CHECKING:
    from PIL.Image import Image

# Colour and grey photographs of skimage.data; none of them is among the labelled ones.
_CALIBRATION = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
    "retina.jpg",
    "ihc.png",
    "hubble_deep_field.jpg",
    "brick.png",
    "grass.png",
    "gravel.png",
    "camera.png",
    "coins.png",
    "moon.png",
    "page.png",
)


@dataclass(frozen=True)
class Photo:
    """A photo with its ImageNet class index."""

    name: str
    label: int
    image: Image

    def tensor(self) -> torch.Tensor:
        """float32 [1, 3, 224, 224], as the network wants it."""
        return to_tensor(self.image)

    def thumbnail(self) -> bytes:
        """A small JPEG."""
        small = self.image.convert("RGB")
        small.thumbnail((220, 220))
        buffer = io.BytesIO()
        small.save(buffer, format="JPEG", quality=80)
        return buffer.getvalue()


def labelled_photos() -> list[Photo]:
    """The 20 ImageNet photos of foolbox, whose file names hold their labels."""
    from PIL import Image

    photos = []
    for path in sorted((_folder("foolbox") / "data").glob("imagenet_*.jpg")):
        label = re.fullmatch(r"imagenet_\d+_(\d+)", path.stem)
        if label is not None:
            photos.append(Photo(path.stem, int(label.group(1)), Image.open(path).convert("RGB")))
    if not photos:
        raise FileNotFoundError("the installed foolbox has no data/imagenet_*.jpg")
    return photos


def calibration_tensors(crops: int = 2, seed: int = 0) -> list[torch.Tensor]:
    """Each calibration photo whole, then random crops, some mirrored: float32 [1, 3, 224, 224] each."""
    from PIL import Image

    folder = _folder("skimage") / "data"
    images = [Image.open(folder / name).convert("RGB") for name in _CALIBRATION]
    generator = np.random.default_rng(seed)
    cropped = [_random_crop(image, generator) for _ in range(crops) for image in images]
    return [to_tensor(image) for image in (*images, *cropped)]


def to_tensor(image: Image, size: int = INPUT_SIZE) -> torch.Tensor:
    """The central square of an image, scaled: float32 [1, 3, size, size] in about [-1, 1]."""
    from PIL import Image as pil

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    pixels = np.asarray(square.resize((size, size), pil.Resampling.BILINEAR), dtype=np.float32)
    return torch.from_numpy((pixels - 127.0) / 128.0).permute(2, 0, 1).contiguous()[None]


def class_names() -> list[str]:
    """The names of the 1000 ImageNet classes."""
    from torchvision.models import EfficientNet_B0_Weights

    names: list[str] = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    return names


def _random_crop(image: Image, generator: np.random.Generator) -> Image:
    from PIL import Image as pil

    width, height = image.size
    side = int(min(width, height) * generator.uniform(0.45, 0.9))
    left = int(generator.integers(0, width - side + 1))
    top = int(generator.integers(0, height - side + 1))
    crop = image.crop((left, top, left + side, top + side))
    return crop.transpose(pil.Transpose.FLIP_LEFT_RIGHT) if generator.random() < 0.5 else crop


def _folder(package: str) -> Path:
    """Where a package lies, without importing it: only its data files are wanted."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            f"the demo needs the photos of {package}. Install it with: pip install mobilekernels[demo]"
        )
    return Path(next(iter(spec.submodule_search_locations)))

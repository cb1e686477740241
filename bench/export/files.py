"""One quantized network as two `.pte` files: on our kernels, and in XNNPACK's delegate."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import mobilekernels as mk
from bench.e2e.measure import CALIBRATION_CALLS
from bench.e2e.networks import images, settled_network
from mobilekernels.export import pte
from mobilekernels.export.export import export


@dataclass(frozen=True)
class Files:
    """Where they are, below ``folder``; batch 1, static, in both.

    Attributes:
        activation_bytes: what ours needs for activations: ExecuTorch's plan, and the segments' own.
        not_ours, not_xnnpack: operators that the one and the other leave to ExecuTorch.
    """

    network: str
    folder: str
    activation_bytes: int
    not_ours: int
    not_xnnpack: int

    @property
    def ours(self) -> Path:
        return self._path("mobilekernels.pte")

    @property
    def xnnpack(self) -> Path:
        return self._path("xnnpack.pte")

    @property
    def image(self) -> Path:
        """The input, float32."""
        return self._path("input.bin")

    def expected(self) -> np.ndarray:
        """What the converted model gave for it in PyTorch, float32."""
        return np.fromfile(self._path("expected.bin"), np.float32)

    def _path(self, kind: str) -> Path:
        return Path(self.folder) / f"{_stem(self.network)}.{kind}"


def files_of(network: str, size: int, folder: Path) -> Files:
    """The files of a network; those that the folder has from an earlier call are taken as they are.

    Args:
        network: of torchvision, or ``module:function``.
        size: of the image, [1, 3, size, size].
    """
    listed = folder / f"{_stem(network)}.json"
    if listed.exists():
        return Files(**json.loads(listed.read_text(encoding="utf-8")) | {"folder": str(folder)})
    folder.mkdir(parents=True, exist_ok=True)
    files = _write(network, size, folder)
    listed.write_text(json.dumps(asdict(files)) + "\n", encoding="utf-8")
    return files


def _write(network: str, size: int, folder: Path) -> Files:
    calls = [(image,) for image in images(size, CALIBRATION_CALLS, seed=2)]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        quantized = mk.quantize(settled_network(network, size), calls, progress=False)
        converted, _ = mk.convert(quantized, calls[0])
        files = Files(network, str(folder), 0, 0, 0)
        report = export(converted, calls[0], files.ours, max_batch=1)
        delegated, ops = pte.lower(torch.export.export(quantized, calls[0]))
        files.xnnpack.write_bytes(delegated)
        calls[0][0].numpy().tofile(files.image)
        converted(*calls[0]).numpy().tofile(files._path("expected.bin"))
    left = sum(1 for op in ops if op.place != "xnnpack")
    return Files(network, str(folder), report.activation_bytes, len(report.not_ours), left)


def _stem(network: str) -> str:
    return network.replace(":", ".")

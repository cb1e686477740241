"""The same bytes everywhere: whole networks in every runtime that mk.export writes for, and on emulated ARM.

The C++ runner for ARM is built by `make executorch-aarch64`: without it those tests are skipped, and with
MOBILEKERNELS_REQUIRE_DEVICES=1 (`make test-executorch`) they fail.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mobilekernels as mk
from mobilekernels.export import ptl
from tests.executorch import runner
from tests.frontends.quantized import efficientnet_lite0, torchvision_model
from tests.same_bytes import assert_same_bytes

SIZE = 96


def pruned_resnet18() -> nn.Module:
    """Random weights, of which 80 % are zero in blocks of 4 x 4."""
    return mk.fold_masks(mk.prune(torchvision_model("resnet18"), sparsity=0.8, block=(4, 4)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "efficientnet_lite0": efficientnet_lite0,
    "mobilenet_v3_large": partial(torchvision_model, "mobilenet_v3_large"),
    "pruned resnet18": pruned_resnet18,
}


@dataclass(frozen=True)
class Exported:
    """A network's files (of every suffix, and aot.pt2), inputs, and what the converted model gives."""

    folder: Path
    calls: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    pytest.importorskip("torchao", reason="quantization")
    pytest.importorskip("executorch.exir", reason="what writes .pte files")
    torch.manual_seed(0)
    model = NETWORKS[request.param]()
    one, two = torch.randn(1, 3, SIZE, SIZE), torch.randn(2, 3, SIZE, SIZE)
    quantized: Any = mk.quantize(model, [one, two], progress=False)
    # Whatever pays on this machine: zeros are to be skipped in each of the runtimes.
    pruned = request.param == "pruned resnet18"
    fast, report = mk.convert(quantized, one, sparse="always" if pruned else "never")
    assert report.mac_coverage == 1.0, str(report)
    assert any(layer.kernel.startswith("spgemm") for layer in report.layers) == pruned
    folder = tmp_path_factory.mktemp("exported")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for suffix in (".pte", ".pt2", ".ptl"):
            written = mk.export(fast, one, folder / f"model{suffix}")
            # Views and permutations may be others'; arithmetic is all ours.
            assert "xnnpack" not in written.contents.counts(), str(written)
        mk.export(fast, one, folder / "aot.pt2", aot_inductor=True)
        outputs = (fast(one), fast(two))
    # A network that gives the same whatever it sees would prove nothing.
    assert outputs[0].unique().numel() > 10
    return Exported(folder, (one, two), outputs)


def _pt2(folder: Path, x: Tensor) -> Tensor:
    return torch.export.load(folder / "model.pt2").module()(x)  # type: ignore[no-any-return]


def _ptl(folder: Path, x: Tensor) -> Tensor:
    return ptl.load(folder / "model.ptl")(x)  # type: ignore[no-any-return]


def _aot_inductor(folder: Path, x: Tensor) -> Tensor:
    return torch._inductor.aoti_load_package(str(folder / "aot.pt2"))(x)  # type: ignore[no-any-return]


def _executorch(folder: Path, x: Tensor) -> Tensor:
    from mobilekernels.executorch import load_program

    program = load_program(folder / "model.pte")
    return program.load_method("forward").execute([x])[0].clone()  # type: ignore[no-any-return, union-attr]


def _runner(core: str | None, folder: Path, x: Tensor) -> Tensor:
    (folder / "x.bin").write_bytes(x.numpy().tobytes())
    sizes = ",".join(map(str, x.shape))
    done = runner.run(
        core, folder / "model.pte", "--input", f"{folder / 'x.bin'}:{sizes}", "--output", folder / "y.bin"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return torch.from_numpy(np.fromfile(folder / "y.bin", np.float32)).reshape(x.shape[0], -1)


ROADS: dict[str, Callable[[Path, Tensor], Tensor]] = {
    "pt2": _pt2,
    "ptl": _ptl,
    "AOTInductor": _aot_inductor,
    "pte in Python": _executorch,
    "pte in mk_runner": partial(_runner, None),
    **{f"pte in mk_runner, {core}": partial(_runner, core) for core in runner.CORES},
}


@pytest.mark.parametrize("road", ROADS)
def test_same_bytes(exported: Exported, road: str) -> None:
    for x, expected in zip(exported.calls, exported.outputs, strict=True):
        with torch.no_grad():
            got = ROADS[road](exported.folder, x)
        assert_same_bytes(got.numpy(), expected.numpy(), road)

"""Measures break-even curves on the machine that it runs on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mobilekernels import dispatch, packing
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.errors import bad_argument
from mobilekernels.progress import track
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curves import MEASURED, Curve, Curves, LayerShape
from mobilekernels.sparsity.zeros import QUAD, SPARSE_BLOCKS, block_name
from mobilekernels.timing import ColdCandidate, interleave_cold, torch_threads

ROUNDS = 40
OCCUPANCIES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
_SEED = 7


@dataclass(frozen=True)
class Subject:
    """A layer to measure: with a kernel a convolution on a square image, else a linear one on `size` rows."""

    channels: int
    out_channels: int
    size: int
    kernel: int = 0

    @property
    def shape(self) -> LayerShape:
        """What curves of it are kept under."""
        weight = (self.out_channels, self.channels, *([self.kernel] * 2 if self.kernel else []))
        return LayerShape.of(weight, 1, self.size**2 if self.kernel else self.size)


# What ResNet50 (128 channels and more) and MobileNetV2 (fewer) are made of, by falling image size.
SUBJECTS = (
    Subject(24, 144, 56, 1),
    Subject(64, 256, 56, 1),
    Subject(128, 512, 28, 1),
    Subject(96, 576, 14, 1),
    Subject(576, 96, 14, 1),
    Subject(1024, 256, 14, 1),
    Subject(960, 160, 7, 1),
    Subject(512, 2048, 7, 1),
    Subject(64, 64, 56, 3),
    Subject(128, 128, 28, 3),
    Subject(256, 256, 14, 3),
    Subject(512, 512, 7, 3),
    Subject(384, 1536, 128),
    Subject(1024, 1024, 16),
    Subject(1280, 1000, 1),
    Subject(2048, 2048, 1),
)


def tune(
    isas: Sequence[str] | None = None,
    *,
    rounds: int = ROUNDS,
    subjects: Sequence[Subject] = SUBJECTS,
    progress: bool = True,
) -> Curves:
    """Times sparse layers against dense ones, on one thread pinned to a CPU.

    Args:
        isas: instruction sets to measure; None: the one that convolutions run on here.
        rounds: timed rounds of each layer, all its variants interleaved.
        subjects: the layers.
        progress: whether to show progress on stderr.

    Raises:
        ValueError, NotImplementedError: an instruction set is unknown or does not run here, `rounds` is below
            1.
    """
    if rounds < 1:
        raise bad_argument(ValueError, "tune", "rounds", rounds, "at least 1")
    names = list(isas) if isas is not None else [_best_isa()]
    machine = this_machine()
    provenance = f"{machine.cpu}, {machine.date[:10]}, commit {machine.commit or 'unknown'}"
    work = [(isa, subject) for isa in names for subject in subjects]
    curves: list[Curve] = []
    with torch.no_grad(), torch_threads(1):
        for isa, subject in track(work, "Measuring layers", show=progress):
            with dispatch.isa(isa), pinned(cpu_to_pin()):
                curves += _measure(isa, subject, rounds, provenance)
    return Curves(tuple(curves), "measured here")


def _best_isa() -> str:
    return next(k.isa for k in dispatch.kernels() if k.family == "gemm" and k.chosen)


def _measure(isa: str, subject: Subject, rounds: int, provenance: str) -> list[Curve]:
    variants: dict[str, ColdCandidate] = {"dense": _candidate(subject, None, 1.0)}
    for block in SPARSE_BLOCKS:
        for occupancy in OCCUPANCIES:
            variants[_key(block, occupancy)] = _candidate(subject, block, occupancy)
    times = {name: timing.median for name, timing in interleave_cold(variants, rounds).items()}
    return [
        Curve(
            isa,
            block,
            subject.shape,
            OCCUPANCIES,
            tuple(round(times["dense"] / times[_key(block, each)], 3) for each in OCCUPANCIES),
            MEASURED,
            provenance,
        )
        for block in SPARSE_BLOCKS
    ]


def _key(block: Block, occupancy: float) -> str:
    return f"{block_name(block)} {occupancy}"


def _candidate(subject: Subject, block: Block | None, occupancy: float) -> ColdCandidate:
    """Two instances on one input: the timed one's weights are cold."""
    generator = torch.Generator().manual_seed(_SEED)
    sizes = (1, subject.size, subject.size, subject.channels)
    shape = sizes if subject.kernel else (subject.size, subject.channels)
    x = torch.randint(-128, 128, shape, dtype=torch.int8, generator=generator)
    timed, decoy = (_call(subject, x, block, _weight(subject, block, occupancy, generator)) for _ in range(2))
    return ColdCandidate(timed, decoy)


def _weight(subject: Subject, block: Block | None, occupancy: float, generator: torch.Generator) -> Tensor:
    """[out, k] int8 without a zero but in the blocks that are left out, which lie anywhere."""
    height = 1 if block is None else block[0]
    k = subject.channels * max(subject.kernel, 1) ** 2
    rows, quads = -(-subject.out_channels // height), -(-k // QUAD)
    kept = torch.zeros(rows * quads, dtype=torch.bool)
    kept[torch.randperm(rows * quads, generator=generator)[: round(occupancy * rows * quads)]] = True
    codes = torch.randint(1, 128, (subject.out_channels, k), dtype=torch.int8, generator=generator)
    mask = kept.reshape(rows, quads).repeat_interleave(height, 0).repeat_interleave(QUAD, 1)
    return codes * mask[: subject.out_channels, :k]


def _call(subject: Subject, x: Tensor, block: Block | None, weight: Tensor) -> Callable[[], object]:
    ops = torch.ops.mobilekernels
    out, size = subject.out_channels, subject.kernel
    # Results spread over the codes: a sum of k products of deviation 73 * 37 or so.
    settings = (None, 40 / (2700 * math.sqrt(weight.shape[1])), 1.0, 0, 1.0)
    if not size:
        packed = packing.pack_linear(weight, *settings, block=block)
        return lambda: ops.linear.default(x, packed, out, 0, 0, -128, 127)
    # k runs over taps, then channels.
    taps = weight.reshape(out, size, size, subject.channels).permute(0, 3, 1, 2)
    packed = packing.pack_conv2d(taps, *settings, block=block)
    window = ([size, size], [1, 1], [size // 2] * 4, [1, 1], 1)
    return lambda: ops.conv2d.default(x, packed, out, *window, 0, 0, -128, 127)

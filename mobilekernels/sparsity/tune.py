"""Measures break-even curves on the machine that it runs on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mobilekernels import dispatch, packing
from mobilekernels.bench.machine import this_machine
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.errors import bad_argument
from mobilekernels.progress import track
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity import tune_f32
from mobilekernels.sparsity.curves import MEASURED, Curve, Curves, LayerShape
from mobilekernels.sparsity.subjects import SEED, SUBJECTS, Subject, random_blocks
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name
from mobilekernels.timing import ColdCandidate, interleave_cold, torch_threads

ROUNDS = 40
OCCUPANCIES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


def tune(
    isas: Sequence[str] | None = None,
    *,
    rounds: int = ROUNDS,
    subjects: Sequence[Subject] = SUBJECTS,
    progress: bool = True,
    float32: bool = False,
) -> Curves:
    """Times sparse layers against dense ones, on one thread pinned to a CPU.

    Args:
        isas: instruction sets to measure; None: the one that convolutions run on here.
        rounds: timed rounds of each layer, all its variants interleaved.
        subjects: the layers.
        progress: whether to show progress on stderr.
        float32: whether to time layers in float32, against PyTorch's own operators, and not int8 ones.

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
                curves += _measure(isa, subject, rounds, provenance, float32)
    found = tuple(curves)
    return Curves((), "measured here", found) if float32 else Curves(found, "measured here")


def _best_isa() -> str:
    return next(k.isa for k in dispatch.kernels() if k.family == "gemm" and k.chosen)


def _measure(isa: str, subject: Subject, rounds: int, provenance: str, float32: bool) -> list[Curve]:
    candidate = tune_f32.candidate if float32 else _candidate
    variants: dict[str, ColdCandidate] = {"dense": candidate(subject, None, 1.0)}
    for block in SPARSE_BLOCKS:
        for occupancy in OCCUPANCIES:
            variants[_key(block, occupancy)] = candidate(subject, block, occupancy)
    times = {name: timing.median for name, timing in interleave_cold(variants, rounds).items()}

    def cost(block: Block, occupancy: float) -> float:
        return times[_key(block, occupancy)]

    return curves_of(isa, subject.shape, times["dense"], cost, MEASURED, provenance)


def curves_of(
    isa: str,
    shape: LayerShape,
    dense: float,
    cost: Callable[[Block, float], float],
    source: str,
    provenance: str,
) -> list[Curve]:
    """A layer's curves, one a block, by what it costs dense and at a block's occupancy."""
    return [
        Curve(
            isa,
            block,
            shape,
            OCCUPANCIES,
            tuple(round(dense / cost(block, each), 3) for each in OCCUPANCIES),
            source,
            provenance,
        )
        for block in SPARSE_BLOCKS
    ]


def _key(block: Block, occupancy: float) -> str:
    return f"{block_name(block)} {occupancy}"


def _candidate(subject: Subject, block: Block | None, occupancy: float) -> ColdCandidate:
    """Two instances on one input: the timed one's weights are cold."""
    generator = torch.Generator().manual_seed(SEED)
    sizes = (1, subject.size, subject.size, subject.channels)
    shape = sizes if subject.kernel else (subject.size, subject.channels)
    x = torch.randint(-128, 128, shape, dtype=torch.int8, generator=generator)
    timed, decoy = (
        _call(subject, x, block, random_blocks(subject, block, occupancy, generator)) for _ in range(2)
    )
    return ColdCandidate(timed, decoy)


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

"""Break-even curves by whatever stands in for time on an instruction set that cannot be timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mobilekernels.bench.layers import Layer
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curve_file import PACKAGE_FILE, package_curves, write_curves
from mobilekernels.sparsity.curves import Curve
from mobilekernels.sparsity.subjects import Subject
from mobilekernels.sparsity.tune import OCCUPANCIES, curves_of
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name


def layer(subject: Subject, name: str, sparsity: dict[str, str]) -> Layer:
    """A subject as the runner reads it."""
    channels = {"in": str(subject.channels), "out": str(subject.out_channels)}
    if not subject.kernel:
        return Layer(name, "linear", {"rows": str(subject.size), **channels, **sparsity})
    kernel, pad, image = (f"{n}x{n}" for n in (subject.kernel, subject.kernel // 2, subject.size))
    return Layer(name, "conv2d", {**channels, "kernel": kernel, "pad": pad, "image": image, **sparsity})


def layers(subjects: Sequence[Subject]) -> list[Layer]:
    """Every subject dense, and in every block at every occupancy."""
    listed = []
    for i, subject in enumerate(subjects):
        listed.append(layer(subject, f"{i}", {}))
        for block in map(block_name, SPARSE_BLOCKS):
            for occupancy in OCCUPANCIES:
                zeros = f"{100 * (1 - occupancy):.0f}"
                listed.append(layer(subject, f"{i}_{block}_{occupancy}", {"block": block, "zeros": zeros}))
    return listed


def curves(
    isa: str, subjects: Sequence[Subject], costs: Mapping[str, float], source: str, provenance: str
) -> list[Curve]:
    """Two curves a subject. `costs`: of `layers(subjects)`, by name."""

    def cost(i: int, block: Block, occupancy: float) -> float:
        return costs[f"{i}_{block_name(block)}_{occupancy}"]

    return [
        curve
        for i, subject in enumerate(subjects)
        for curve in curves_of(isa, subject.shape, costs[f"{i}"], partial(cost, i), source, provenance)
    ]


def write(made: Sequence[Curve]) -> Path:
    """Puts curves into the package's file, in the place of those of the same instruction sets."""
    before = package_curves()
    isas = {curve.isa for curve in made}
    kept = tuple(curve for curve in before.curves if curve.isa not in isas)
    return write_curves(replace(before, curves=(*kept, *made)), PACKAGE_FILE)

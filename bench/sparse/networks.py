"""Whole pruned networks: on our kernels with and without zeros skipped, and on every dense peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

import mobilekernels as mk
from bench.e2e.measure import CALIBRATION_CALLS
from bench.e2e.networks import images, settle, settled_network
from mobilekernels.bench.network import Network, NetworkResult, measure
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.curves import Curves
from mobilekernels.sparsity.zeros import block_name
from mobilekernels.timing import Candidate, interleave, torch_threads

NETWORKS = ("resnet50", "mobilenet_v2")
QUICK_NETWORKS = ("mobilenet_v2",)


@dataclass(frozen=True)
class PrunedNetwork:
    """A network's figures.

    Attributes:
        result: ours, as `convert` made it, and the peers.
        sparse_layers: how many layers skip zeros, of how many that were pruned.
        dense_ms, sparse_ms: ours with sparse="never" and as `convert` made it, interleaved.
    """

    result: NetworkResult
    sparse_layers: tuple[int, int]
    dense_ms: float
    sparse_ms: float

    @property
    def note(self) -> str:
        """A line for the report."""
        chosen, pruned = self.sparse_layers
        return (
            f"{self.result.network}: {self.dense_ms / self.sparse_ms:.2f} times our own dense kernels "
            f"({self.dense_ms:.2f} ms against {self.sparse_ms:.2f} ms, interleaved); "
            f"{chosen} of {pruned} pruned layers skip zeros."
        )


def measure_pruned(
    name: str,
    engines: Sequence[str],
    rounds: int,
    zeros: float,
    block: Block,
    size: int = 224,
    curves: Curves | str | None = None,
) -> PrunedNetwork:
    """Prune the 1x1 and KxK convolutions of a network, each layer alike, and run it on every engine.

    Raises:
        AssertionError: skipping zeros changed the result.
    """
    model = mk.prune(settled_network(name, size), zeros, block=block, scope="layer")
    settle(model, images(size, count=3, seed=1, batch=4))
    calls = [(image,) for image in images(size, CALIBRATION_CALLS, seed=2)]
    quantized = mk.quantize(model, calls, progress=False)
    sparse, report = mk.convert(quantized, calls[0], curves=curves)
    dense, _ = mk.convert(quantized, calls[0], sparse="never")
    with torch.no_grad():
        if not torch.equal(sparse(*calls[0]), dense(*calls[0])):
            raise AssertionError(f"{name}: skipping zeros changed the result")
    title = f"{name}, {zeros:.0%} {block_name(block)} zeros"
    result = measure(
        Network(title, model, quantized, sparse, len(report.stock), calls), engines, rounds, threads=1
    )
    candidates = {
        "dense": Candidate(lambda: dense(*calls[0])),
        "sparse": Candidate(lambda: sparse(*calls[0])),
    }
    with torch.no_grad(), torch_threads(1), pinned(cpu_to_pin()):
        timings = interleave(candidates, rounds)
    pruned = [layer for layer in report.layers if (layer.sparsity or 0.0) > 0.9 * zeros]
    return PrunedNetwork(
        result,
        (sum(1 for layer in pruned if layer.block), len(pruned)),
        *(1e3 * timings[which].median for which in ("dense", "sparse")),
    )

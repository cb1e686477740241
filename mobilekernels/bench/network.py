"""One network on every engine: checked against float, timed round by round, and ours on more threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import nn
from torch.fx import GraphModule

from mobilekernels.bench.pinning import cpu_to_pin, cpus, pinned
from mobilekernels.compare import OURS, compare
from mobilekernels.comparison import Comparison, EngineResult
from mobilekernels.engines.base import Inputs
from mobilekernels.timing import Candidate, interleave, torch_threads


@dataclass(frozen=True)
class Network:
    """A network in the forms that engines start from, and data for it.

    Attributes:
        quantized, converted: what ``mobilekernels.quantize`` and ``convert`` made of ``model``.
        stock_operators: how many of the converted model's run on PyTorch's operators, in float.
        calls: inputs; engines are calibrated on them and checked with them, and the first is timed.
    """

    name: str
    model: nn.Module
    quantized: GraphModule
    converted: nn.Module
    stock_operators: int
    calls: Sequence[Inputs]


@dataclass(frozen=True)
class NetworkResult:
    """A network's figures.

    Attributes:
        network: its name, as it was asked for.
        comparison: every engine's time, and its answers against the float model's.
        cpu: the one that everything was pinned to, or None.
        stock_operators: how many of ours ran on PyTorch's operators, in float.
        speedups: number of threads -> our time on one thread over that on so many, in one run.
    """

    network: str
    comparison: Comparison
    cpu: int | None
    stock_operators: int
    speedups: dict[int, float] = field(default_factory=dict)

    @property
    def ours(self) -> EngineResult | None:
        """Our result, where we ran."""
        return next((r for r in self._timed() if r.name == OURS), None)

    @property
    def best_peer(self) -> EngineResult | None:
        """The fastest of the others that ran."""
        # Our own .pte in ExecuTorch is no peer.
        peers = [r for r in self._timed() if not r.name.startswith(OURS)]
        return min(peers, key=lambda r: r.median_ms or 0.0, default=None)

    @property
    def ratio(self) -> float | None:
        """Our time over the best peer's: below 1, ours is faster."""
        best = self.best_peer
        return None if self.ours is None or best is None or best.ratio is None else 1 / best.ratio

    @property
    def noise(self) -> float | None:
        """Distance of the quartiles of our own rounds, as a share of their median."""
        ours = self.ours
        if ours is None or ours.quartiles_ms is None or not ours.median_ms:
            return None
        low, high = ours.quartiles_ms
        return (high - low) / ours.median_ms

    def _timed(self) -> list[EngineResult]:
        return [r for r in self.comparison.results if r.median_ms is not None]


def measure(
    network: Network, engines: Sequence[str], rounds: int, threads: int, progress: bool = True
) -> NetworkResult:
    """Run a network on every engine; pinned to one CPU with one thread."""
    cpu = cpu_to_pin() if threads == 1 else None
    comparison = compare(
        network.model,
        network.converted,
        network.calls,
        quantized=network.quantized,
        calibration_data=network.calls,
        engines=engines,
        threads=threads,
        rounds=rounds,
        progress=progress,
        around_timing=lambda: pinned(cpu),  # not before: lowering uses all of the machine
    )
    speedups = {}
    if threads == 1 and OURS in engines and cpus() > 1:
        speedups = {2: speedup(network.converted, network.calls[0], 2, rounds)}
    return NetworkResult(network.name, comparison, cpu, network.stock_operators, speedups)


def speedup(converted: nn.Module, call: Inputs, threads: int, rounds: int) -> float:
    """The time of one call on one thread over that on ``threads``, interleaved."""
    timings = interleave(
        {
            str(count): Candidate(lambda: converted(*call), lambda count=count: _on(count))  # type: ignore[misc]
            for count in (1, threads)
        },
        rounds,
    )
    return timings["1"].median / timings[str(threads)].median


@contextmanager
def _on(threads: int) -> Iterator[None]:
    with torch_threads(threads), pinned(cpu_to_pin() if threads == 1 else None):
        yield

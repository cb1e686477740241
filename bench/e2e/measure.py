"""One network on every engine: quantized, converted, checked against float, timed round by round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mobilekernels as mk
from bench.e2e.networks import images, settled_network
from bench.e2e.pinning import cpu_to_pin, pinned
from mobilekernels.comparison import Comparison, EngineResult
from mobilekernels.engines import Engine

OURS = "mobilekernels"
CALIBRATION_CALLS = 8


@dataclass(frozen=True)
class NetworkResult:
    """A network's figures.

    Attributes:
        network: its name, as it was asked for.
        comparison: every engine's time, and its answers against the float model's.
        cpu: the one that everything was pinned to, or None.
        stock_operators: how many of ours ran on PyTorch's operators, in float.
    """

    network: str
    comparison: Comparison
    cpu: int | None
    stock_operators: int

    @property
    def ours(self) -> EngineResult | None:
        """Our result, where we ran."""
        return next((r for r in self._timed() if r.name == OURS), None)

    @property
    def best_peer(self) -> EngineResult | None:
        """The fastest of the others that ran."""
        return min(
            (r for r in self._timed() if r.name != OURS), key=lambda r: r.median_ms or 0.0, default=None
        )

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
    network: str, engines: Sequence[Engine], rounds: int, threads: int, size: int = 224, progress: bool = True
) -> NetworkResult:
    """Run ``network`` on images [1, 3, size, size] on every engine; pinned to one CPU with one thread."""
    cpu = cpu_to_pin() if threads == 1 else None
    model = settled_network(network, size)
    calls = [(image,) for image in images(size, CALIBRATION_CALLS, seed=2)]
    quantized = mk.quantize(model, calls, progress=False)
    converted, report = mk.convert(quantized, calls[0])
    comparison = mk.compare(
        model,
        converted,
        calls,
        quantized=quantized,
        calibration_data=calls,
        engines=[engine.name for engine in engines],
        threads=threads,
        rounds=rounds,
        progress=progress,
        around_timing=lambda: pinned(cpu),  # not before: lowering uses all of the machine
    )
    return NetworkResult(network, comparison, cpu, len(report.stock))

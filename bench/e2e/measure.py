"""A network of the suite made ready and measured."""

from __future__ import annotations

from collections.abc import Sequence

import mobilekernels as mk
from bench.e2e.networks import images, settled_network
from mobilekernels.bench.network import Network, NetworkResult, measure

CALIBRATION_CALLS = 8


def measure_network(
    name: str, engines: Sequence[str], rounds: int, threads: int, size: int = 224
) -> NetworkResult:
    """Run ``name`` on images [1, 3, size, size] on every engine."""
    model = settled_network(name, size)
    calls = [(image,) for image in images(size, CALIBRATION_CALLS, seed=2)]
    quantized = mk.quantize(model, calls, progress=False)
    converted, report = mk.convert(quantized, calls[0])
    network = Network(name, model, quantized, converted, len(report.stock), calls)
    return measure(network, engines, rounds, threads)

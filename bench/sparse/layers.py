"""A layer dense and at several shares of zeros, in one interleaved run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.micro.case import Case, Weights
from bench.micro.engines import ENGINES, Instance, Make, ours, torch_float
from bench.micro.measure import SEEDS, share_close
from bench.sparse.engines import SPARSE_PEERS, ours_float, ours_sparse
from bench.sparse.prune import with_zeros
from mobilekernels.bench.pinning import cpu_to_pin, pinned
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.pruning.blocks import Block
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name
from mobilekernels.timing import ColdCandidate, interleave_cold, torch_threads

SHARES = (0.5, 0.7, 0.8, 0.9)
DENSE = "dense"
DENSE_FLOAT = "torch-float"
DENSE_PEERS = tuple(engine for engine in ENGINES if engine.name != "mobilekernels")


@dataclass(frozen=True)
class Row:
    """One share of zeros in one pattern; times are medians of a call, in seconds.

    Attributes:
        seconds: of our sparse kernel.
        dense: of our dense one on the same layer.
        float_seconds: of our sparse kernel in float32.
        dense_float: of PyTorch's dense one in float32.
        peers: of engines that skip zeros, by name.
        close: share of codes within one of the exact ones, by such a peer that gives codes.
    """

    block: Block
    zeros: float
    seconds: float
    dense: float
    float_seconds: float
    dense_float: float
    peers: dict[str, float]
    close: dict[str, float]

    @property
    def speedup(self) -> float:
        """Over our dense kernel."""
        return self.dense / self.seconds

    @property
    def float_speedup(self) -> float:
        """Over PyTorch's dense operator."""
        return self.dense_float / self.float_seconds


@dataclass(frozen=True)
class LayerResult:
    """A layer.

    Attributes:
        dense_peers: seconds of a call, by engine.
        close: share of codes within one of the exact ones, by dense peer that gives codes.
        absent: why an engine did not run, by its name.
    """

    name: str
    macs: int
    rows: tuple[Row, ...]
    dense_peers: dict[str, float]
    close: dict[str, float]
    absent: dict[str, str]


def measure_layer(
    case: Case, rounds: int, shares: Sequence[float] = SHARES, dense_peers: Sequence[str] = ()
) -> LayerResult:
    """Time a layer: ours dense, ours sparse, sparse peers at each share of 1x4 zeros, dense peers once.

    Raises:
        AssertionError: our sparse kernel gave other bytes than our dense one, or other floats than PyTorch.
    """
    found = _Candidates(case)
    with torch.no_grad(), torch_threads(1):
        found.add(DENSE, ours, found.weights)
        found.add(DENSE_FLOAT, torch_float, found.weights)
        for block in SPARSE_BLOCKS:
            for zeros in shares:
                pruned = [with_zeros(each, block, zeros) for each in found.weights]
                _check(case, pruned[0], block)
                found.add(_key("ours", block, zeros), ours_sparse(block), pruned)
                found.add(_key("float", block, zeros), ours_float(block), pruned)
                for peer in SPARSE_PEERS if block == (1, 4) else ():
                    found.add(_key(peer.name, block, zeros), peer.make, pruned, peer.name)
        for engine in DENSE_PEERS:
            if engine.name in dense_peers and engine.name != DENSE_FLOAT:
                found.add(engine.name, engine.make, found.weights, engine.name)
        with pinned(cpu_to_pin()):
            timings = interleave_cold(found.candidates, rounds)
    seconds = {name: timing.median for name, timing in timings.items()}

    def row(block: Block, zeros: float) -> Row:
        keys = {peer.name: _key(peer.name, block, zeros) for peer in SPARSE_PEERS}
        peers = {name: seconds[key] for name, key in keys.items() if key in seconds}
        close = {name: found.close[key] for name, key in keys.items() if key in found.close}
        ours = (seconds[_key(which, block, zeros)] for which in ("ours", "float"))
        dense = (seconds[DENSE], seconds[DENSE_FLOAT])
        (int8, dense_int8), (floats, dense_floats) = zip(ours, dense, strict=True)
        return Row(block, zeros, int8, dense_int8, floats, dense_floats, peers, close)

    return LayerResult(
        case.name,
        case.macs,
        tuple(row(block, zeros) for block in SPARSE_BLOCKS for zeros in shares),
        {engine.name: seconds[engine.name] for engine in DENSE_PEERS if engine.name in seconds},
        {engine.name: found.close[engine.name] for engine in DENSE_PEERS if engine.name in found.close},
        found.absent,
    )


class _Candidates:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.weights = [case.weights(seed) for seed in SEEDS]
        self.candidates: dict[str, ColdCandidate] = {}
        self.close: dict[str, float] = {}
        self.absent: dict[str, str] = {}

    def add(self, key: str, make: Make, weights: Sequence[Weights], engine: str = "") -> None:
        """An engine that cannot run the layer is absent, with its reason."""
        try:
            timed, decoy = (make(self.case, each) for each in weights)
        except EngineAbsent as reason:
            self.absent[engine or key] = str(reason)
            return
        self.candidates[key] = ColdCandidate(timed.run, decoy.run, timed.session)
        share = share_close(timed, self.case.reference(weights[0]))
        if share is not None:
            self.close[key] = share


def _check(case: Case, weights: Weights, block: Block) -> None:
    dense, sparse = (_codes(make(case, weights)) for make in (ours, ours_sparse(block)))
    if not torch.equal(dense, sparse):
        raise AssertionError(f"{case.name}: {block_name(block)} gives other bytes than dense")
    dense, sparse = (_floats(make(case, weights)) for make in (torch_float, ours_float(block)))
    # Sums in another order: roundings of single elements, nothing of the whole.
    if not float((sparse - dense).norm()) <= 1e-5 * float(dense.norm()):
        raise AssertionError(f"{case.name}: {block_name(block)} gives other floats than PyTorch")


def _codes(instance: Instance) -> torch.Tensor:
    assert instance.codes is not None
    return instance.codes(instance.run())


def _floats(instance: Instance) -> torch.Tensor:
    found = instance.run()
    assert isinstance(found, torch.Tensor)
    return found


def _key(engine: str, block: Block, zeros: float) -> str:
    return f"{engine} {block_name(block)} {zeros}"

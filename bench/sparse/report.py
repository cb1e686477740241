"""The figures of pruned layers as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.sparse.engines import SPARSE_PEERS
from bench.sparse.layers import DENSE_PEERS, LayerResult
from mobilekernels.bench.machine import Machine
from mobilekernels.bench.tables import markdown
from mobilekernels.sparsity.zeros import block_name

CSR = "torch-csr"
CLOSE = 0.99  # share of codes; below it an engine does not compute the layer
HOW = (
    "One layer from Python, int8 codes in and out; medians of rounds, everything of a layer interleaved, "
    "weights cold and activations warm as in micro.md. Zeros lie in random blocks. Speed-up: over our dense "
    "kernel on the same layer. GMAC/s: those of the dense layer by the time, so above the peak where zeros "
    "are skipped. Fastest dense peer: of all dense engines, whose time does not depend on zeros; a star says "
    "that its codes are wrong (below). Our sparse bytes were compared with our dense ones before."
)
FLOAT = (
    "Our float32 kernels on the same layers against PyTorch's dense operator and, where the layer is a "
    "matrix product, its CSR one on the zeros of 1x4 blocks. Floats in and out, ours NCHW."
)


def table(layers: Sequence[LayerResult]) -> list[list[str]]:
    """A row a layer, block and share of zeros."""
    used = {name for layer in layers for row in layer.rows for name in row.peers} - {CSR}
    peers = [peer for peer in SPARSE_PEERS if peer.name in used]
    head = ["layer", "block", "zeros", "us", "speed-up", "GMAC/s", "fastest dense peer, us", "times ours"]
    rows = [[*head, *(f"{peer.title}, us" for peer in peers)]]
    for layer in layers:
        best = min(layer.dense_peers, key=lambda name: layer.dense_peers[name], default=None)
        for row in layer.rows:
            rows.append(
                [
                    layer.name,
                    block_name(row.block),
                    f"{row.zeros:.0%}",
                    f"{1e6 * row.seconds:.1f}",
                    f"{row.speedup:.2f}x",
                    f"{layer.macs / row.seconds / 1e9:.0f}",
                    "-" if best is None else _starred(layer, best),
                    "-" if best is None else f"{layer.dense_peers[best] / row.seconds:.2f}",
                    *(f"{1e6 * row.peers[p.name]:.1f}" if p.name in row.peers else "-" for p in peers),
                ]
            )
    return rows


def _starred(layer: LayerResult, peer: str) -> str:
    """Microseconds, with a star where the codes are wrong."""
    return f"{1e6 * layer.dense_peers[peer]:.1f}{'*' if layer.close.get(peer, 1.0) < CLOSE else ''}"


def float_table(layers: Sequence[LayerResult]) -> list[list[str]]:
    """A row a layer, block and share of zeros, in float32."""
    rows = [["layer", "block", "zeros", "us", "speed-up", "PyTorch float32, us", "PyTorch CSR float32, us"]]
    for layer in layers:
        for row in layer.rows:
            csr = row.peers.get(CSR)
            rows.append(
                [
                    layer.name,
                    block_name(row.block),
                    f"{row.zeros:.0%}",
                    f"{1e6 * row.float_seconds:.1f}",
                    f"{row.float_speedup:.2f}x",
                    f"{1e6 * row.dense_float:.1f}",
                    "-" if csr is None else f"{1e6 * csr:.1f}",
                ]
            )
    return rows


def dense_table(layers: Sequence[LayerResult]) -> list[list[str]]:
    """A row a layer: what the speed-ups start from."""
    peers = [peer for peer in DENSE_PEERS if any(peer.name in layer.dense_peers for layer in layers)]
    rows = [["layer", "MMAC", "ours dense, us", "GMAC/s", *(f"{peer.title}, us" for peer in peers)]]
    for layer in layers:
        dense = layer.rows[0].dense
        times = (layer.dense_peers.get(peer.name) for peer in peers)
        rows.append(
            [
                layer.name,
                f"{layer.macs / 1e6:.2f}",
                f"{1e6 * dense:.1f}",
                f"{layer.macs / dense / 1e9:.0f}",
                *("-" if time is None else f"{1e6 * time:.1f}" for time in times),
            ]
        )
    return rows


def text(layers: Sequence[LayerResult], machine: Machine) -> str:
    """The page."""
    parts = ["# Layers with zeros", "", *(f"- {line}" for line in machine.lines()), "", HOW, ""]
    parts += [markdown(table(layers)), "## Dense", "", markdown(dense_table(layers))]
    parts += ["## In float32", "", FLOAT, "", markdown(float_table(layers))]
    faults = [fault for layer in layers for fault in _wrong(layer)]
    if faults:
        parts += ["Engines that do not compute the layer (their times are of other arithmetic):", ""]
        parts += [f"- {fault}" for fault in faults] + [""]
    return "\n".join(parts)


def write(layers: Sequence[LayerResult], machine: Machine, folder: Path) -> list[Path]:
    """sparse.md and sparse.json."""
    paths = [folder / "sparse.md", folder / "sparse.json"]
    paths[0].write_text(text(layers, machine), encoding="utf-8")
    content = {"machine": asdict(machine), "layers": [asdict(layer) for layer in layers]}
    paths[1].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return paths


def _wrong(layer: LayerResult) -> list[str]:
    shares = [(name, "dense", close) for name, close in layer.close.items()]
    shares += [(name, f"{row.zeros:.0%}", close) for row in layer.rows for name, close in row.close.items()]
    return [
        f"{name} on {layer.name}, {which}: {close:.0%} of the codes are within one of the exact ones"
        for name, which, close in shares
        if close < CLOSE
    ]

"""The page that leads to the results: machine, versions, noise, what came out."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from bench.micro import report as layers


def write_index(folder: Path) -> Path:
    """README.md of a folder of results, from the JSON files in it."""
    lines = ["# Benchmark", ""]
    kinds = ("e2e", "micro", "sparse", "export")
    networks, micro, sparse, files = (folder / f"{name}.json" for name in kinds)
    if networks.exists():
        lines += _networks(json.loads(networks.read_text(encoding="utf-8")))
    if micro.exists():
        lines += _layers(json.loads(micro.read_text(encoding="utf-8")))
    if sparse.exists():
        lines += _sparse(json.loads(sparse.read_text(encoding="utf-8")))
    if files.exists():
        lines += ["## [Files in ExecuTorch](export.md), ours against XNNPACK's", ""]
    lines += ["How it is measured: docs/benchmarks.md. To repeat it: `make bench`.", ""]
    path = folder / "README.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _networks(found: dict) -> list[str]:  # type: ignore[type-arg]
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    noises = [each["noise"] for each in found["networks"] if each["noise"] is not None]
    ratios = [each["ours_over_best_peer"] for each in found["networks"] if each["ours_over_best_peer"]]
    lines = [
        f"- CPU: {machine['cpu']}, {machine['cpus']} usable; load before: {machine['load']}",
        f"- {versions}; commit {machine['commit'] or 'unknown'}; {machine['date']}",
    ]
    if noises:
        typical, most = statistics.median(noises), max(noises)
        lines.append(f"- Noise of networks: {typical:.1%}, at most {most:.1%}: {_verdict(most)}")
    lines += ["", f"## [Whole networks](e2e.md), {found['threads']} thread(s)", ""]
    if ratios:
        lines += [
            f"Our time over the best peer's: {statistics.geometric_mean(ratios):.2f} (geometric mean).",
            "",
        ]
    return [*lines, "![times over ours](e2e.png)", ""]


def _layers(found: dict) -> list[str]:  # type: ignore[type-arg]
    figures = layers.read(found)
    ratio, noise = layers.mean_ratio(figures), layers.median_noise(figures)
    lines = ["## [Layers](micro.md)", ""]
    if ratio is not None:
        lines += [f"Our time over the best peer's: {ratio:.2f} (geometric mean); noise {noise:.1%}.", ""]
    return [*lines, "![roofline](roofline.png)", "", "![times over ours](micro.png)", ""]


def _sparse(found: dict) -> list[str]:  # type: ignore[type-arg]
    gains: dict[str, list[float]] = {}
    for row in (row for layer in found["layers"] for row in layer["rows"]):
        what = f"{row['zeros']:.0%} {'x'.join(map(str, row['block']))}"
        gains.setdefault(what, []).append(row["dense"] / row["seconds"])
    each = ", ".join(f"{what} {statistics.geometric_mean(values):.2f}" for what, values in gains.items())
    return [
        "## Zeros: [layers](sparse.md), [networks](sparse_networks.md)",
        "",
        f"Speed-up over our dense kernels by zeros (geometric mean of the layers): {each}.",
        "",
    ]


def _verdict(noise: float) -> str:
    if noise < 0.03:
        return "a quiet machine"
    if noise < 0.15:
        return "others computed too, differences below it are ties"
    return "TOO NOISY, run it again on a quiet machine"

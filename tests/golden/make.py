"""`python -m tests.golden.make FILE [--small] [--seed N]`: writes a golden file with what this machine
computes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.golden.files import Record, write
from tests.ops.calls import (
    CHANNELS,
    block_sparse_calls,
    block_sparse_f32_calls,
    convolution_calls,
    dynamic_calls,
    linear_calls,
    other_calls,
)
from tests.strategies import codes, zero_blocks

# An odd count, for a file of tens of KB; its layers have other channel counts besides, below and above a
# panel.
SMALL_CHANNELS = (5,)


def packings(rng: np.random.Generator, channels: int) -> Iterator[Record]:
    """Float bias and scales to packed bytes: pointwise, dense, grouped, depthwise, linear; block sparse."""
    for out_channels, in_channels, kernel, groups in (
        (channels, 5, (1, 1), 1),
        (9, channels, (3, 2), 1),
        (2 * channels, 3, (3, 3), 2),
        (channels, 1, (3, 3), channels),
        (2 * channels, 1, (5, 1), channels),
    ):
        weight = codes(rng, "random", (out_channels, in_channels, *kernel), lowest=-127)
        weight[0] = 0  # such a channel packs by a rule of its own
        bias = rng.normal(0, 2, out_channels).astype(np.float32)
        scale = rng.uniform(1e-4, 1e-2, out_channels)
        scales = {"x_scale": 0.021, "x_zero_point": -7, "out_scale": 0.037}
        yield Record("pack_conv2d", (weight, bias, scale), {**scales, "groups": groups})
        if in_channels == 1:
            continue
        for block in ((4, 4), (1, 4)):
            sparse = zero_blocks(rng, weight, groups, block, 0.4)
            yield Record("pack_conv2d", (sparse, bias, scale), {**scales, "groups": groups, "block": block})
            floats = sparse.astype(np.float32) * np.float32(0.01)
            yield Record("pack_conv2d_f32", (floats, bias), {"groups": groups, "block": block})
    weight = codes(rng, "random", (channels, 23), lowest=-127)
    yield Record(
        "pack_linear", (weight, None, 0.013), {"x_scale": 0.5, "x_zero_point": 100, "out_scale": 0.3}
    )


def records(channels: Sequence[int], seed: int) -> Iterator[Record]:
    for count in channels:
        rng = np.random.default_rng((seed, count))
        yield from packings(rng, count)
        for calls in (
            convolution_calls,
            linear_calls,
            block_sparse_calls,
            block_sparse_f32_calls,
            dynamic_calls,
            other_calls,
        ):
            yield from (Record.of(call) for call in calls(rng, count))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.make", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--small", action="store_true", help="a few calls only, for a file to commit")
    parser.add_argument("--seed", type=int, default=0, help="of the data (default: %(default)s)")
    options = parser.parse_args(arguments)
    count = write(options.file, records(SMALL_CHANNELS if options.small else CHANNELS, options.seed))
    print(f"{options.file}: {count} records")


if __name__ == "__main__":
    main()

"""The rules, one file an operator. Importing this registers all of them."""

from mobilekernels.lowering.rules import (
    average_pool,
    binary,
    cat,
    channel_shuffle,
    conv2d,
    dynamic,
    flatten,
    linear,
    lut,
    max_pool,
    mean,
    moves,
    pad,
    size,
    slices,
)

__all__ = [
    "average_pool",
    "binary",
    "cat",
    "channel_shuffle",
    "conv2d",
    "dynamic",
    "flatten",
    "linear",
    "lut",
    "max_pool",
    "mean",
    "moves",
    "pad",
    "size",
    "slices",
]

"""The order of the passes."""

from __future__ import annotations

from typing import Any

from torch import fx

from mobilekernels.passes.batch_norm import rewrite_batch_norms
from mobilekernels.passes.channel_shuffle import recognise_channel_shuffle
from mobilekernels.passes.dynamic_grid import recognise_dynamic_grids
from mobilekernels.passes.fold_activation import fold_activations
from mobilekernels.passes.fold_constants import fold_quantized_constants
from mobilekernels.passes.fold_padding import fold_padding
from mobilekernels.passes.merge_qdq import merge_qdq
from mobilekernels.passes.normalize_conv import normalize_convolutions
from mobilekernels.passes.normalize_pad import normalize_padding
from mobilekernels.passes.remove_noops import remove_noops
from mobilekernels.passes.shapes import propagate_shapes
from mobilekernels.passes.tables import fold_clamp_tables, make_tables
from mobilekernels.passes.to_int8 import move_to_int8


def prepare(module: fx.GraphModule, example_inputs: tuple[Any, ...]) -> None:
    """Runs every pass, in place, and leaves each node's shape in its meta (see `shapes.shape_of`)."""
    fold_quantized_constants(module)
    remove_noops(module)
    normalize_padding(module)
    move_to_int8(module)
    recognise_dynamic_grids(module)
    merge_qdq(module)
    normalize_convolutions(module)
    fold_padding(module)
    # Nodes that later passes add take over the shapes of those they replace.
    propagate_shapes(module, example_inputs)
    recognise_channel_shuffle(module)
    rewrite_batch_norms(module)
    fold_activations(module)
    make_tables(module)
    fold_clamp_tables(module)
    merge_qdq(module)
    module.graph.lint()
    module.recompile()

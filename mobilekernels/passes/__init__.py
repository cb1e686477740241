"""Rewrites of the canonical graph, one small file each; every pass keeps what the graph computes."""

from mobilekernels.passes.pipeline import prepare

__all__ = ["prepare"]

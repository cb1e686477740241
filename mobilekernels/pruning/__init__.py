"""Pruning to zeros that lie in blocks, the pattern that the sparse kernels skip."""

"""Layers and networks with zeros: our sparse kernels, our dense ones, and every sparse and dense peer."""

"""Benchmarks of layers on devices: layer lists, runs, and the report that sets runs side by side."""

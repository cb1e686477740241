"""The main job on a real network, from one command: ``python -m mobilekernels demo``."""

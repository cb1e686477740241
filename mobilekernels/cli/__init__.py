"""``python -m mobilekernels``: one file a command."""

"""Converted networks as files: `.pte` (ExecuTorch), `.pt2` (torch.export), `.ptl` (lite interpreter)."""

"""The operators as kernels of ExecuTorch's runtime, and running `.pte` files in this process.

    method = mobilekernels.executorch.load_program("model.pte").load_method("forward")
    (output,) = method.execute([x])

Importing this module needs no ExecuTorch; what is called does, and says so where it is missing.
"""

from __future__ import annotations

from mobilekernels.executorch.library import last_error, load, ops, version
from mobilekernels.executorch.program import load_program

__all__ = ["last_error", "load", "load_program", "ops", "version"]

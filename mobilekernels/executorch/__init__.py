"""The operators as kernels of ExecuTorch's runtime, and running `.pte` files in this process.

    mobilekernels.executorch.load()
    program = executorch.runtime.Runtime.get().load_program("model.pte")

Importing this module needs no ExecuTorch; what is called does, and says so where it is missing.
"""

from __future__ import annotations

from mobilekernels.executorch.library import last_error, load, ops, version

__all__ = ["last_error", "load", "ops", "version"]

"""Optional dependencies: import them where they are needed, and name the extra that brings them."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from types import ModuleType


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import ``module`` (dotted name) or raise an ImportError that says what to install.

    Args:
        module: dotted module name, for example ``"torchao.quantization.pt2e"``.
        extra: the extra of this package that brings it.
        what: what needs it, for the message: ``"mobilekernels.quantize"``.
    """
    try:
        with _pytree_silent():
            return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{what} needs {package}, which cannot be imported ({error}). "
            f"Install it with: pip install mobilekernels[{extra}]"
        ) from error


@contextlib.contextmanager
def _pytree_silent() -> Iterator[None]:
    """torchao registers enums in a way that torch logs as deprecated; no user can do anything about that."""
    logger = logging.getLogger("torch.utils._pytree")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

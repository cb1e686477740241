"""Exceptions of this package, and how the native code's messages become them."""

from __future__ import annotations

import re
from typing import TypeVar

_E = TypeVar("_E", bound=Exception)


class FormatError(ValueError):
    """A packed weight or a file that is damaged, truncated or of another version."""


_TYPES: dict[str, type[Exception]] = {
    "ValueError": ValueError,
    "TypeError": TypeError,
    "NotImplementedError": NotImplementedError,
    "FormatError": FormatError,
}
_OURS = re.compile(rf"\A({'|'.join(_TYPES)}): ", re.ASCII)
# What the dispatcher says when a value does not fit the schema: it names the op and the argument itself.
_SCHEMA = re.compile(r"\Amobilekernels::\w+(\.\w+)?\(\) |\AUnknown keyword argument")


def translate(exc: Exception) -> Exception:
    """The typed exception for a RuntimeError that one of our ops raised; any other exception as it is.

    Native code says ``"<ExceptionName>: <op>: <argument>: ..."``, which PyTorch passes on as a RuntimeError.
    """
    if not isinstance(exc, RuntimeError):
        return exc
    message = str(exc)
    found = _OURS.match(message)
    if found:
        return _TYPES[found.group(1)](message[found.end() :])
    if _SCHEMA.match(message):
        return TypeError(message)
    return exc


def bad_argument(error: type[_E], where: str, argument: str, given: object, accepted: object) -> _E:
    """The error, to be raised, for an argument of the function or op ``where``: one wording for all."""
    return error(f"{where}: {argument}: given {given}, accepted {accepted}")

"""What a file is exported for.

Kernels are chosen where the file runs, and whether a layer is dense or sparse by `convert`: the bytes of a
`.pte`, `.pt2` or `.ptl` are the same for each target. What AOTInductor compiles is for this machine alone.
"""

from __future__ import annotations

import platform
from typing import Literal, get_args

from mobilekernels.errors import bad_argument

Target = Literal["any", "arm64", "x86_64"]
TARGETS: tuple[str, ...] = get_args(Target)

_MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}


def check_target(target: str, compiled: bool) -> None:
    """Raises ValueError for an unknown target, or one that AOTInductor cannot compile for here."""
    if target not in TARGETS:
        raise bad_argument(ValueError, "export", "target", repr(target), f"one of {', '.join(TARGETS)}")
    here = _MACHINES.get(platform.machine(), platform.machine())
    if compiled and target not in ("any", here):
        raise bad_argument(
            ValueError,
            "export",
            "target",
            repr(target),
            f"{here!r} with aot_inductor, which compiles for this machine",
        )

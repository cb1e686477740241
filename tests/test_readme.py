"""The README's table of what is supported is what the code supports."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from mobilekernels.lowering.registry import registered
from mobilekernels.passes.tables import ELEMENTWISE

README = Path(__file__).parent.parent / "README.md"
# Our own stand-ins for conv2d and table look-ups, and Python's getitem (of a chunk), are not ATen's.
OWN = {"conv2d"}


def named_in_readme() -> set[str]:
    text = README.read_text()
    table = text[text.index("<!-- supported:") : text.index("<!-- end -->")]
    first_column = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = [name for cell in first_column for name in re.findall(r"`([a-z0-9_]+)`", cell)]
    assert len(names) == len(set(names)), "a name stands twice"
    return set(names)


def supported() -> set[str]:
    overloads = [
        target for target in {*registered(), *ELEMENTWISE} if isinstance(target, torch._ops.OpOverload)
    ]
    return {overload._schema.name.removeprefix("aten::") for overload in overloads} | OWN


def test_the_table_says_what_is_supported() -> None:
    assert named_in_readme() == supported()

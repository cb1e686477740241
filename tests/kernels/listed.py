"""The kernels of this build, as csrc/kernels/list.h has them, and what tests of single kernels share."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mobilekernels import _core
from tests.same_bytes import assert_same_bytes
from tests.tested_isas import is_tested

# Two codes that differ in every bit: no kernel leaves both by chance.
SENTINELS = (85, -86)


def built_kernels() -> set[tuple[str, str]]:
    """(family, isa)"""
    return {(family, isa) for family, isa, built, _, _ in _core.kernels() if built}


def every_isa(family: str) -> pytest.MarkDecorator:
    """Runs a test with `isa` set to each ISA that the family has a kernel for in this build."""
    runnable = _core.runnable()
    isas = [isa for listed, isa, built, _, _ in _core.kernels() if built and listed == family]
    return pytest.mark.parametrize(
        "isa",
        [
            pytest.param(
                isa,
                marks=(
                    pytest.mark.skipif(not runnable[isa], reason=f"this CPU cannot run {isa}"),
                    pytest.mark.skipif(not is_tested(isa), reason=f"MOBILEKERNELS_TEST_ISA leaves {isa} out"),
                ),
            )
            for isa in isas
        ],
    )


class Guarded:
    """`out` [*shape], the inner part of a larger array whose other bytes must stay as they are."""

    def __init__(
        self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.int8, sentinel: int = SENTINELS[0]
    ) -> None:
        margin = 67  # wider than any vector
        self._sentinel = sentinel
        self._whole = np.full([size + 2 * margin for size in shape], sentinel, dtype)
        self._inner = tuple(slice(margin, margin + size) for size in shape)
        self.out: npt.NDArray[Any] = self._whole[self._inner]

    def assert_holds(self, expected: npt.NDArray[Any], what: str = "") -> None:
        """`out` equals `expected`, and nothing was written around it."""
        assert_same_bytes(self.out, expected, what)
        around = self._whole.copy()
        around[self._inner] = self._sentinel
        assert np.all(around == self._sentinel), f"{what}: written outside of the output"

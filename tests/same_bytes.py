"""The one comparison of these tests: no tolerance, and -0.0 is not 0.0."""

from typing import Any

import numpy as np
import numpy.typing as npt


def assert_same_bytes(got: npt.NDArray[Any], expected: npt.NDArray[Any], what: str = "") -> None:
    """Shape, dtype and every byte are equal; the message has `what` and the first values that are not."""
    np.testing.assert_array_equal(got, expected, err_msg=what, strict=True)
    assert got.tobytes() == expected.tobytes(), f"{what}: zeros of different signs"

"""What the GEMM and depthwise kernels do with their int32 sums: the epilogue, drawn and stated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests import reference
from tests.strategies import CODE_KINDS, GENERATORS, SCALES, ZERO_POINTS, Arguments, codes, out_ranges

Range = tuple[int, int, int]  # zero point, lowest code, highest code


def as_range(arguments: Arguments) -> Range:
    return arguments["out_zero_point"], arguments["out_min"], arguments["out_max"]


@dataclass(frozen=True)
class Residual:
    """An int8 tensor added after requantization; scales are over the output's."""

    data: reference.Int8
    main_scale: float
    scale: float
    zero_point: int
    output: Range

    def argument(self, rows: int, channels: int) -> tuple[Any, ...]:
        """What `_core` takes for the first rows and channels."""
        data = np.ascontiguousarray(self.data[:rows, :channels])
        return data, self.main_scale, self.scale, self.zero_point, self.output


@st.composite
def residuals(draw: DrawFn, shape: tuple[int, int]) -> Residual:
    zero_point = draw(ZERO_POINTS)
    data = codes(draw(GENERATORS), draw(CODE_KINDS), shape, zero_point)
    return Residual(data, draw(SCALES), draw(SCALES), zero_point, as_range(draw(out_ranges())))


def epilogue(f: reference.Float32, main: Range, residual: Residual | None) -> reference.Int8:
    """int8 codes for `f` = float(acc) * scale[c]."""
    q = reference.requantize(f, *main)
    if residual is None:
        return q
    # An output scale of 1 leaves the given ratios as they are.
    zero_point, lo, hi = residual.output
    return reference.add(
        q,
        residual.data,
        a_scale=residual.main_scale,
        a_zero_point=main[0],
        b_scale=residual.scale,
        b_zero_point=residual.zero_point,
        out_scale=1.0,
        out_zero_point=zero_point,
        out_min=lo,
        out_max=hi,
    )

"""Poolings against the reference, byte for byte."""

from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.ops.everywhere import assert_everywhere
from tests.strategies import SCALES, Arguments, PoolCase, out_ranges, pools


@given(pools(dilated=True))
def test_max_pool2d(case: PoolCase) -> None:
    window = (case.kernel_size, case.stride, case.padding, case.dilation)
    expected = reference.max_pool2d(case.x, *window, case.ceil_mode)
    assert_everywhere("max_pool2d", expected, case.x, *window, case.ceil_mode)


@given(
    pools(dilated=False),
    st.booleans(),
    st.sampled_from((0, 1, 7)),
    st.tuples(SCALES, SCALES),
    out_ranges(),
)
def test_avg_pool2d(
    case: PoolCase,
    count_include_pad: bool,
    divisor_override: int,
    scales: tuple[float, float],
    out_range: Arguments,
) -> None:
    window = (case.kernel_size, case.stride, case.padding)
    flags = (case.ceil_mode, count_include_pad, divisor_override)
    qparams: Arguments = {
        "x_scale": scales[0],
        "x_zero_point": case.x_zero_point,
        "out_scale": scales[1],
        **out_range,
    }
    expected = reference.avg_pool2d(case.x, *window, *flags, **qparams)
    assert_everywhere("avg_pool2d", expected, case.x, *window, *flags, **qparams)


@given(
    pools(dilated=False),
    st.just((1, 1)) | st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(SCALES, SCALES),
    out_ranges(),
)
def test_adaptive_avg_pool2d(
    case: PoolCase, output_size: tuple[int, int], scales: tuple[float, float], out_range: Arguments
) -> None:
    qparams: Arguments = {
        "x_scale": scales[0],
        "x_zero_point": case.x_zero_point,
        "out_scale": scales[1],
        **out_range,
    }
    expected = reference.adaptive_avg_pool2d(case.x, output_size, **qparams)
    assert_everywhere("adaptive_avg_pool2d", expected, case.x, output_size, **qparams)

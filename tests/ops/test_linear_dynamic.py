"""linear_dynamic against the reference, byte for byte, and the reference against PyTorch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.ao.quantization.fx._decomposed  # registers torch.ops.quantized_decomposed
from hypothesis import given
from hypothesis import strategies as st

from mobilekernels import _core
from tests import reference
from tests.ops.everywhere import Array, assert_everywhere
from tests.reference import Float32, Int8
from tests.strategies import CHANNELS, GENERATORS, WEIGHT_KINDS, Arguments, Block, codes, zero_blocks

FULL: Arguments = {"per_row": False, "symmetric": False, "quant_min": -128, "quant_max": 127, "eps": 2.0**-12}
KINDS = ("normal", "small", "large", "positive", "negative", "zero", "constant", "tiny", "bad", "huge")
NAN, INF = np.float32(np.nan), np.float32(np.inf)


@dataclass(frozen=True)
class Case:
    x: Float32
    weight: Int8
    weight_scale: Float32
    bias: Float32
    settings: Arguments
    block: Block | None = None

    def packed(self) -> Array:
        weight = np.ascontiguousarray(self.weight[:, :, None, None])
        packed: Array = _core.pack_weights(weight, None, self.weight_scale, 1, 0, self.block)
        return packed

    def check(self) -> None:
        expected = reference.linear_dynamic(
            self.x, self.weight, self.weight_scale, self.bias, **self.settings
        )
        features = self.weight.shape[0]
        arguments = (self.x, self.packed(), self.bias, features)
        assert_everywhere("linear_dynamic", expected, *arguments, **self.settings)


@st.composite
def all_settings(draw: st.DrawFn) -> Arguments:
    low, high = draw(st.sampled_from(((-128, 127), (-128, 127), (-127, 127), (-8, 7), (-1, 100))))
    flags = {"per_row": draw(st.booleans()), "symmetric": draw(st.booleans())}
    eps = draw(st.sampled_from((2.0**-12, 2.0**-23, 2.0**-100, 1.0)))
    return {**flags, "quant_min": low, "quant_max": high, "eps": eps}


@st.composite
def activations(draw: st.DrawFn, rng: np.random.Generator, features: int) -> Float32:
    """Rows of different sizes, signs and offsets; zeros, constants, denormals, values that are no numbers."""
    leading = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    x = rng.normal(0, 1, (*leading, features)).astype(np.float32)
    rows = x.reshape(-1, features)
    for row in rows:
        kind = draw(st.sampled_from(KINDS))
        if kind in ("small", "large"):
            row *= np.float32(1e-4 if kind == "small" else 1e6)
        elif kind in ("positive", "negative"):
            row[...] = np.abs(row) * (1 if kind == "positive" else -1)
        elif kind in ("zero", "constant"):
            row[...] = 0 if kind == "zero" else row[0]
            row[::2] *= np.float32(-1 if kind == "zero" else 1)
        elif kind == "tiny":
            row *= np.float32(1e-40)
        elif kind == "bad":
            row[draw(st.integers(0, features - 1))] = draw(st.sampled_from((NAN, -NAN, INF, -INF)))
        elif kind == "huge":
            row[...] = np.where(rng.random(features) < 0.5, -3e38, 3e38)
    return x


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = draw(GENERATORS)
    features_in, features_out = draw(CHANNELS | st.integers(71, 300)), draw(CHANNELS)
    weight = codes(rng, draw(WEIGHT_KINDS), (features_out, features_in), lowest=-127)
    block = draw(st.sampled_from((None, None, (4, 4), (1, 4))))
    if block is not None:
        weight = zero_blocks(rng, weight, 1, block, draw(st.sampled_from((0.0, 0.1, 0.3, 1.0))))
    scale = (rng.random(features_out) * 0.01 + 1e-6).astype(np.float32)
    bias = rng.normal(0, 1, features_out).astype(np.float32)
    return Case(draw(activations(rng, features_in)), weight, scale, bias, draw(all_settings()), block)


@given(cases())
def test_linear_dynamic(case: Case) -> None:
    case.check()


def small(x: Float32, **settings: object) -> Case:
    rng = np.random.default_rng(1)
    features = x.shape[-1]
    weight = codes(rng, "random", (19, features), lowest=-127)
    scale = (rng.random(19) * 0.01).astype(np.float32)
    return Case(x, weight, scale, rng.normal(0, 1, 19).astype(np.float32), FULL | settings)


def result(case: Case) -> Float32:
    case.check()
    return reference.linear_dynamic(case.x, case.weight, case.weight_scale, case.bias, **case.settings)


def test_rows_of_zeros_give_the_bias() -> None:
    for value in (0.0, -0.0):
        case = small(np.full((3, 23), value, np.float32))
        np.testing.assert_array_equal(result(case), np.tile(case.bias, (3, 1)), strict=True)


@pytest.mark.parametrize("value", [5.0, -5.0, 1e-30, 1e35])
@pytest.mark.parametrize("per_row", [False, True])
def test_constant_rows_are_exact_to_a_step(value: float, per_row: bool) -> None:
    case = small(np.full((3, 23), value, np.float32), per_row=per_row)
    exact = case.x.astype(np.float64) @ (case.weight * case.weight_scale[:, None].astype(np.float64)).T
    step = max(abs(value) / 255, 2.0**-12)
    bound = step * np.abs(case.weight * case.weight_scale[:, None]).sum(1) / 2 + 1e-5 * np.abs(exact) + 1e-6
    assert np.all(np.abs(result(case) - exact - case.bias) <= bound)


@pytest.mark.parametrize("bad", [NAN, -NAN, INF, -INF])
@pytest.mark.parametrize("rows", [1, 40])
def test_what_is_no_number_spoils_the_rows_that_share_its_scale(bad: np.float32, rows: int) -> None:
    x = np.random.default_rng(2).normal(0, 1, (rows, 23)).astype(np.float32)
    whole = result(small(x, per_row=True))
    x[rows // 2, 17] = bad
    assert np.isnan(result(small(x))).all()
    own = result(small(x, per_row=True))
    assert np.isnan(own[rows // 2]).all()
    np.testing.assert_array_equal(np.delete(own, rows // 2, 0), np.delete(whole, rows // 2, 0))


def test_a_span_beyond_float32_has_no_scale() -> None:
    x = np.array([[3e38, -3e38], [1.0, 2.0]], np.float32)
    assert np.isnan(result(small(x, per_row=True))).tolist() == [[True] * 19, [False] * 19]
    assert not np.isnan(result(small(x, per_row=True, symmetric=True))).any()


@pytest.mark.parametrize("shape", [(0, 23), (2, 0, 23), (23,)])
def test_empty_batches_and_single_rows(shape: tuple[int, ...]) -> None:
    assert result(small(np.ones(shape, np.float32))).shape == (*shape[:-1], 19)


def test_the_largest_sums_int32_holds() -> None:
    """As test_linear has it: codes are -128 and the zero point 127, or the other way."""
    terms = 66_000
    for sign in (1, -1):
        x = np.full((3, terms), sign, np.float32)
        weight = np.full((18, terms), -127, np.int8)
        weight[1::2] = 127
        Case(x, weight, np.full(18, 2.0**-24, np.float32), np.zeros(18, np.float32), FULL).check()


# --- the reference against PyTorch


@given(GENERATORS, st.floats(1e-6, 1e6), st.floats(-10, 10), st.sampled_from((2.0**-12, 2.0**-23)))
def test_codes_are_those_of_choose_qparams(
    rng: np.random.Generator, size: float, offset: float, eps: float
) -> None:
    library = torch.ops.quantized_decomposed
    x = ((rng.normal(0, 1, (3, 41)) + offset) * size).astype(np.float32)
    scale, zero_point = library.choose_qparams.tensor(torch.from_numpy(x), -128, 127, eps, torch.int8)
    expected = library.quantize_per_tensor.tensor(
        torch.from_numpy(x), scale, zero_point, -128, 127, torch.int8
    )
    own_scale, own_zero_point = reference.dynamic_params(x, False, -128, 127, eps)
    assert (own_scale, own_zero_point) == (np.float32(scale.item()), zero_point.item())
    inverse = reference.float32_of(1.0 / float(own_scale))
    q = reference.requantize(reference.times(x, inverse), own_zero_point)
    np.testing.assert_array_equal(q, expected.numpy(), strict=True)


@given(GENERATORS, st.floats(1e-4, 1e4), st.booleans())
def test_result_is_that_of_dequantized_numbers(rng: np.random.Generator, size: float, per_row: bool) -> None:
    """x and w as PyTorch dequantizes them, multiplied in float64."""
    case = small((rng.normal(0, 1, (4, 61)) * size).astype(np.float32), per_row=per_row)
    numbers = np.empty(case.x.shape)
    for row, out in zip(case.x, numbers, strict=True):
        scale, zero_point = reference.dynamic_params(row if per_row else case.x, False, -128, 127, 2.0**-12)
        given_scale = torch.tensor([scale], dtype=torch.float64)
        q = torch.ops.quantized_decomposed.quantize_per_tensor.tensor(
            torch.from_numpy(row), given_scale, torch.tensor([zero_point]), -128, 127, torch.int8
        )
        out[...] = (q.numpy().astype(np.float64) - zero_point) * np.float64(scale)
    weight = case.weight * case.weight_scale[:, None].astype(np.float64)
    got = reference.linear_dynamic(case.x, case.weight, case.weight_scale, case.bias, **case.settings)
    products = np.abs(numbers) @ np.abs(weight).T
    np.testing.assert_array_less(np.abs(got - (numbers @ weight.T + case.bias)), 1e-6 * (products + 1))

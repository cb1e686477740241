"""What every operator computes, stated once more in plain NumPy.

This is the independent statement that the native kernels are held against, byte for byte: written from the
text of docs/design.md ('Numbers', 'Ops') and of the headers in csrc/ops, not from their code. One function an
operator, with the operator's name and the operator's argument names, and one difference: convolutions and
linear take plain weights (`weight` int8 [O, I / groups, kh, kw] or [O, I], `bias` int32 [O] or None, `scale`
float32 [O] = input scale * weight scale / output scale) where the operator takes `packed`.

Those in float32 (`conv2d_f32`, `linear_f32`) take float32 weights and biases, and images [N, C, H, W].
`linear_dynamic` takes float32 activations and biases.

All others: activations are int8, images are [N, H, W, C]. Integers are int64 and exact; each float32 step of
the text is one float32 operation here. Arguments are assumed to be valid: only the size of the accumulator
is checked.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

INT8_MIN, INT8_MAX = -128, 127


# --- the float32 steps that operators share


def requantize(f: Float32, zero_point: int, lo: int = INT8_MIN, hi: int = INT8_MAX) -> Int8:
    """int8 codes for `f`, a float32 array in units of the output's scale.

    Rounds first and clamps after, as one would say it; the kernels clamp first, and the bounds being integers
    it is the same number.
    """
    rounded = np.rint(f).astype(np.float64) + zero_point
    return np.asarray(np.clip(rounded, lo, hi).astype(np.int8))


def times(a: npt.NDArray[np.int64] | Float32, b: Float32 | np.float32) -> Float32:
    """float32(a) * b, rounded once. A product beyond float32 is an infinity, which requantizing clamps."""
    with np.errstate(over="ignore", under="ignore"):
        return np.multiply(a.astype(np.float32), b, dtype=np.float32)


def float32_of(real: float) -> np.float32:
    """A ratio of scales, computed in double, rounded once to float32."""
    with np.errstate(over="ignore", under="ignore"):
        return np.float32(real)


def centered(q: Int8, zero_point: int) -> Int64:
    """q - zero_point, exact."""
    return q.astype(np.int64) - zero_point


# --- between float and int8


def quantize(x: Float32, scale: float, zero_point: int) -> Int8:
    """float32 of any shape to int8 of the same shape; NaN becomes -128."""
    f = times(x, float32_of(1.0 / scale))
    return np.where(np.isnan(f), np.int8(INT8_MIN), requantize(np.nan_to_num(f, nan=0.0), zero_point))


def quantize_nhwc(x: Float32, scale: float, zero_point: int) -> Int8:
    """float32 [N, C, H, W] to int8 [N, H, W, C]."""
    return np.ascontiguousarray(quantize(x, scale, zero_point).transpose(0, 2, 3, 1))


def dequantize(x: Int8, scale: float, zero_point: int) -> Float32:
    """int8 of any shape to float32 of the same shape."""
    return times(centered(x, zero_point), float32_of(scale))


def dequantize_nchw(x: Int8, scale: float, zero_point: int) -> Float32:
    """int8 [N, H, W, C] to float32 [N, C, H, W]."""
    return np.ascontiguousarray(dequantize(x, scale, zero_point).transpose(0, 3, 1, 2))


# --- convolution and linear


def conv_output_size(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
    """Output length of one side; `pad` is the sum of both ends."""
    return (size + pad - dilation * (kernel - 1) - 1) // stride + 1


def _accumulator(acc: Int64) -> Int64:
    """The kernels hold it in int32; a test that leaves int32 asks for something that is not specified."""
    if acc.size and (acc.max() > np.iinfo(np.int32).max or acc.min() < np.iinfo(np.int32).min):
        raise OverflowError(f"accumulator in [{acc.min()}, {acc.max()}] does not fit int32")
    return acc


def conv2d_accumulators(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
) -> Int64:
    """bias[c] + the sum over taps and input channels of (x - x_zero_point) * weight: int64 [N, OH, OW, O].

    Padding holds the zero point, hence adds nothing. One matrix product a tap and group, in float64, which is
    exact: a product is below 2**15 and a float64 holds integers to 2**53.
    """
    n, h, w, _ = x.shape
    out_channels, group_in, kernel_h, kernel_w = weight.shape
    top, bottom, left, right = padding
    out_h = conv_output_size(h, kernel_h, stride[0], top + bottom, dilation[0])
    out_w = conv_output_size(w, kernel_w, stride[1], left + right, dilation[1])
    group_out = out_channels // groups

    padded = np.pad(centered(x, x_zero_point), ((0, 0), (top, bottom), (left, right), (0, 0)))
    acc = np.zeros((groups, n * out_h * out_w, group_out))
    for ky in range(kernel_h):
        for kx in range(kernel_w):
            y0, x0 = ky * dilation[0], kx * dilation[1]
            tap = padded[:, y0 : y0 + stride[0] * out_h : stride[0], x0 : x0 + stride[1] * out_w : stride[1]]
            pixels = tap.reshape(-1, groups, group_in).transpose(1, 0, 2)
            weights = weight[:, :, ky, kx].reshape(groups, group_out, group_in).transpose(0, 2, 1)
            acc += pixels.astype(np.float64) @ weights.astype(np.float64)
    result = acc.transpose(1, 0, 2).reshape(n, out_h, out_w, out_channels).astype(np.int64)
    if bias is not None:
        result += bias.astype(np.int64)
    return _accumulator(result)


def conv2d(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    scale: Float32,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """int8 [N, H, W, I] to int8 [N, OH, OW, O]. `padding` is (top, bottom, left, right)."""
    f = conv2d_float(
        x,
        weight,
        bias,
        scale,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        x_zero_point=x_zero_point,
    )
    return requantize(f, out_zero_point, out_min, out_max)


def conv2d_float(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    scale: Float32,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
) -> Float32:
    """float(acc) * scale[c], float32 [N, OH, OW, O]; `scale` is input scale * weight scale."""
    acc = conv2d_accumulators(
        x,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        x_zero_point=x_zero_point,
    )
    return times(acc, scale)


def conv2d_add(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    scale: Float32,
    residual: Int8,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
    conv_scale: float,
    conv_zero_point: int,
    conv_min: int,
    conv_max: int,
    residual_scale: float,
    residual_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """`conv2d` to int8 codes of (conv_scale, conv_zero_point), then `add` of `residual` [N, OH, OW, O]."""
    main = conv2d(
        x,
        weight,
        bias,
        scale,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        x_zero_point=x_zero_point,
        out_zero_point=conv_zero_point,
        out_min=conv_min,
        out_max=conv_max,
    )
    return add(
        main,
        residual,
        a_scale=conv_scale,
        a_zero_point=conv_zero_point,
        b_scale=residual_scale,
        b_zero_point=residual_zero_point,
        out_scale=out_scale,
        out_zero_point=out_zero_point,
        out_min=out_min,
        out_max=out_max,
    )


def linear_float(x: Int8, weight: Int8, bias: Int32 | None, scale: Float32, *, x_zero_point: int) -> Float32:
    """int8 [..., I] and weight [O, I] to float(acc) * scale[c], float32 [..., O]."""
    acc = (centered(x, x_zero_point).astype(np.float64) @ weight.T.astype(np.float64)).astype(np.int64)
    if bias is not None:
        acc += bias.astype(np.int64)
    return times(_accumulator(acc), scale)


def linear(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    scale: Float32,
    *,
    x_zero_point: int,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """int8 [..., I] and weight [O, I] to int8 [..., O]."""
    f = linear_float(x, weight, bias, scale, x_zero_point=x_zero_point)
    return requantize(f, out_zero_point, out_min, out_max)


def float_range(x: Float32) -> tuple[np.float32, np.float32]:
    """The smallest and the largest of 0 and the values; -0 is 0. A NaN is its own range."""
    return np.float32(min(0.0, x.min(initial=0)) + 0.0), np.float32(max(0.0, x.max(initial=0)) + 0.0)


def dynamic_params(
    x: Float32, symmetric: bool, quant_min: int, quant_max: int, eps: float
) -> tuple[np.float32, int]:
    """Scale and zero point of some values; the scale is NaN where there is none."""
    nothing = np.float32(np.nan), 0
    if not np.isfinite(x).all():
        return nothing
    low, high = float_range(x)
    steps = np.float32(quant_max - quant_min)
    with np.errstate(over="ignore"):
        scale = max(-low, high) / (steps / np.float32(2)) if symmetric else (high - low) / steps
    scale = np.float32(max(scale, np.float32(eps)))
    if not np.isfinite(scale):
        return nothing
    if symmetric:
        return scale, 0
    zero_point = quant_min - int(np.rint(np.float32(low / scale)))
    return scale, min(max(zero_point, quant_min), quant_max)


def linear_dynamic(
    x: Float32,
    weight: Int8,
    weight_scale: Float32,
    bias: Float32,
    *,
    per_row: bool,
    symmetric: bool,
    quant_min: int,
    quant_max: int,
    eps: float,
) -> Float32:
    """float32 [..., I], int8 weight [O, I], float32 weight_scale and bias [O] to float32 [..., O]."""
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty((rows.shape[0], weight.shape[0]), np.float32)
    settings = (symmetric, quant_min, quant_max, eps)
    for row, result in zip(rows, out, strict=True):
        scale, zero_point = dynamic_params(row if per_row else rows, *settings)
        if np.isnan(scale):
            result[...] = np.nan
            continue
        inverse = float32_of(1.0 / float(scale))
        q = requantize(times(row, inverse), zero_point, quant_min, quant_max)
        acc = _accumulator(centered(q, zero_point) @ weight.T.astype(np.int64))
        with np.errstate(over="ignore", invalid="ignore"):
            result[...] = times(acc, times(weight_scale, scale)) + bias
    return out.reshape(*x.shape[:-1], weight.shape[0])


# --- elementwise, with NumPy broadcasting


def add(
    a: Int8,
    b: Int8,
    *,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """Two float32 products, one float32 sum."""
    left = times(centered(a, a_zero_point), float32_of(a_scale / out_scale))
    right = times(centered(b, b_zero_point), float32_of(b_scale / out_scale))
    with np.errstate(over="ignore"):
        return requantize(left + right, out_zero_point, out_min, out_max)


def mul(
    a: Int8,
    b: Int8,
    *,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """An exact integer product, then one float32 product."""
    product = centered(a, a_zero_point) * centered(b, b_zero_point)
    return requantize(
        times(product, float32_of(a_scale * b_scale / out_scale)), out_zero_point, out_min, out_max
    )


def lut(x: Int8, table: Int8) -> Int8:
    """`table` int8 [256], indexed by x + 128."""
    return table[x.astype(np.int64) + 128]


# --- pooling over [N, H, W, C]


def pool_output_size(
    size: int, kernel: int, stride: int, pad: Sequence[int], dilation: int, ceil_mode: bool
) -> int:
    """torch's rule: with `ceil_mode` the last window may overhang, but starts in image or first pad."""
    free = size + pad[0] + pad[1] - dilation * (kernel - 1) - 1
    out = (free + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (out - 1) * stride >= size + pad[0]:
        out -= 1
    return out


def max_pool2d(
    x: Int8,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Int8:
    """The largest code of each window; what lies outside the image does not take part."""
    n, h, w, channels = x.shape
    out_h = pool_output_size(h, kernel_size[0], stride[0], padding[:2], dilation[0], ceil_mode)
    out_w = pool_output_size(w, kernel_size[1], stride[1], padding[2:], dilation[1], ceil_mode)
    out = np.empty((n, out_h, out_w, channels), np.int8)
    for oy in range(out_h):
        rows = _inside(oy * stride[0] - padding[0], kernel_size[0], dilation[0], h)
        for ox in range(out_w):
            columns = _inside(ox * stride[1] - padding[2], kernel_size[1], dilation[1], w)
            out[:, oy, ox] = x[:, rows][:, :, columns].max(axis=(1, 2), initial=INT8_MIN)
    return out


def _inside(start: int, kernel: int, dilation: int, size: int) -> list[int]:
    """The positions of a window's taps that are inside the image."""
    return [i for i in range(start, start + kernel * dilation, dilation) if 0 <= i < size]


def avg_pool2d(
    x: Int8,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int,
    *,
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """float(sum(q - zp)) * float(x_scale / (out_scale * divisor)); `divisor_override` 0: none."""
    n, h, w, channels = x.shape
    out_h = pool_output_size(h, kernel_size[0], stride[0], padding[:2], 1, ceil_mode)
    out_w = pool_output_size(w, kernel_size[1], stride[1], padding[2:], 1, ceil_mode)
    values = centered(x, x_zero_point)
    out = np.empty((n, out_h, out_w, channels), np.int8)
    for oy in range(out_h):
        y0 = oy * stride[0] - padding[0]
        y1 = min(y0 + kernel_size[0], h + padding[1])
        for ox in range(out_w):
            x0 = ox * stride[1] - padding[2]
            x1 = min(x0 + kernel_size[1], w + padding[3])
            window = values[:, max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
            inside = window.shape[1] * window.shape[2]
            divisor = divisor_override or ((y1 - y0) * (x1 - x0) if count_include_pad else inside)
            f = times(window.sum(axis=(1, 2)), float32_of(x_scale / (out_scale * divisor)))
            out[:, oy, ox] = requantize(f, out_zero_point, out_min, out_max)
    return out


def adaptive_avg_pool2d(
    x: Int8,
    output_size: Sequence[int],
    *,
    x_scale: float,
    x_zero_point: int,
    out_scale: float,
    out_zero_point: int,
    out_min: int,
    out_max: int,
) -> Int8:
    """Output i averages the input from floor(i * H / OH) up to ceil((i + 1) * H / OH), and so for W."""
    n, h, w, channels = x.shape
    out_h, out_w = output_size
    values = centered(x, x_zero_point)
    out = np.empty((n, out_h, out_w, channels), np.int8)
    for oy in range(out_h):
        rows = slice(oy * h // out_h, -(-(oy + 1) * h // out_h))
        for ox in range(out_w):
            window = values[:, rows, ox * w // out_w : -(-(ox + 1) * w // out_w)]
            divisor = window.shape[1] * window.shape[2]
            f = times(window.sum(axis=(1, 2)), float32_of(x_scale / (out_scale * divisor)))
            out[:, oy, ox] = requantize(f, out_zero_point, out_min, out_max)
    return out


# --- moves of data


def concat(
    xs: Sequence[Int8],
    dim: int,
    scales: Sequence[float],
    zero_points: Sequence[int],
    out_scale: float,
    out_zero_point: int,
) -> Int8:
    """Parts with the output's scale and zero point are copied, the others requantized."""
    parts = [
        x
        if (scale, zero_point) == (out_scale, out_zero_point)
        else requantize(times(centered(x, zero_point), float32_of(scale / out_scale)), out_zero_point)
        for x, scale, zero_point in zip(xs, scales, zero_points, strict=True)
    ]
    return np.concatenate(parts, axis=dim)


def channel_shuffle(x: Int8, groups: int) -> Int8:
    """[..., groups, C / groups] becomes [..., C / groups, groups], both seen as [..., C]."""
    grouped = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    return np.ascontiguousarray(np.swapaxes(grouped, -1, -2)).reshape(x.shape)


def slice_channels(x: Int8, start: int, end: int) -> Int8:
    """[start, end) of the last dimension."""
    return np.ascontiguousarray(x[..., start:end])


# --- float32, by block-sparse weights


def fma(a: Float32, b: Float32, c: Float32) -> Float32:
    """float32(a * b + c), rounded once. The product is exact in double, and the sum is rounded to odd: a
    second rounding, to float32, is then right.
    """
    product = a.astype(np.float64) * b
    total = product + c
    # What the sum lost, by Knuth's TwoSum.
    of_c = total - product
    lost = (product - (total - of_c)) + (c - of_c)
    even = (total.view(np.int64) & 1) == 0
    towards = np.where(lost > 0, np.inf, -np.inf)
    odd = np.where((lost != 0) & even & np.isfinite(total), np.nextafter(total, towards), total)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(odd.astype(np.float32))


def conv2d_f32(
    x: Float32,
    weight: Float32,
    bias: Float32 | None,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    out_min: float = -np.inf,
    out_max: float = np.inf,
) -> Float32:
    """float32 [N, C, H, W] -> [N, O, H', W']: the bias, then one fma for each k (kernel_h, kernel_w, channels
    of the group) in its order.

    Blocks of zeros are multiplied here. Nothing comes of it but where an activation is not finite, or the
    sum is -0.
    """
    n, _, height, width = x.shape
    out_channels, per_group, kernel_h, kernel_w = weight.shape
    top, bottom, left, right = padding
    out_h = conv_output_size(height, kernel_h, stride[0], top + bottom, dilation[0])
    out_w = conv_output_size(width, kernel_w, stride[1], left + right, dilation[1])
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    start = np.zeros(out_channels, np.float32) if bias is None else bias
    out = np.broadcast_to(start[None, :, None, None], (n, out_channels, out_h, out_w)).copy()
    each = out_channels // groups
    for group in range(groups):
        own = slice(group * each, (group + 1) * each)
        for kh in range(kernel_h):
            for kw in range(kernel_w):
                rows = slice(kh * dilation[0], kh * dilation[0] + (out_h - 1) * stride[0] + 1, stride[0])
                columns = slice(kw * dilation[1], kw * dilation[1] + (out_w - 1) * stride[1] + 1, stride[1])
                for c in range(per_group):
                    pixels = padded[:, group * per_group + c, rows, columns][:, None]
                    out[:, own] = fma(pixels, weight[own, c, kh, kw][None, :, None, None], out[:, own])
    return np.clip(out, np.float32(out_min), np.float32(out_max))


def linear_f32(
    x: Float32, weight: Float32, bias: Float32 | None, *, out_min: float = -np.inf, out_max: float = np.inf
) -> Float32:
    """float32 [..., I] -> [..., O]: as a convolution of one pixel."""
    rows = x.reshape(-1, x.shape[-1], 1, 1)
    result = conv2d_f32(
        rows,
        weight[:, :, None, None],
        bias,
        stride=(1, 1),
        padding=(0,) * 4,
        dilation=(1, 1),
        groups=1,
        out_min=out_min,
        out_max=out_max,
    )
    return result.reshape(*x.shape[:-1], weight.shape[0])


# --- dumber still: what the above is held against


def conv2d_loops(
    x: Int8,
    weight: Int8,
    bias: Int32 | None,
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    x_zero_point: int,
) -> Int64:
    """`conv2d_accumulators` as seven loops over Python integers; for tiny shapes."""
    n, h, w, _ = x.shape
    out_channels, group_in, kernel_h, kernel_w = weight.shape
    top, bottom, left, right = padding
    out_h = conv_output_size(h, kernel_h, stride[0], top + bottom, dilation[0])
    out_w = conv_output_size(w, kernel_w, stride[1], left + right, dilation[1])
    out = np.empty((n, out_h, out_w, out_channels), np.int64)
    for b, oy, ox, c in np.ndindex(out.shape):
        acc = 0 if bias is None else int(bias[c])
        first = c // (out_channels // groups) * group_in
        for i, ky, kx in np.ndindex(group_in, kernel_h, kernel_w):
            iy = oy * stride[0] + ky * dilation[0] - top
            ix = ox * stride[1] + kx * dilation[1] - left
            if 0 <= iy < h and 0 <= ix < w:
                acc += (int(x[b, iy, ix, first + i]) - x_zero_point) * int(weight[c, i, ky, kx])
        out[b, oy, ox, c] = acc
    return out

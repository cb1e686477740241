"""Bad input: each a typed exception that names the argument, and the process lives on.

The table spoils one argument of a valid call (tests/op_samples.py).
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import pytest
import torch
from torch import Tensor

import mobilekernels as mk
from mobilekernels import packing
from mobilekernels._lib import core
from mobilekernels.errors import bad_argument, translate
from tests.op_samples import (
    CHANNELS,
    OPS,
    OUT_CHANNELS,
    int8,
    packed_conv2d,
    packed_conv2d_f32,
    packed_linear,
    packed_linear_f32,
    samples,
)

NAN = float("nan")
INF = float("inf")


@dataclass(frozen=True)
class Bad:
    op: str
    argument: str
    # The bad value, or a function that makes it of the good one.
    value: Any
    error: type[Exception] = ValueError
    # What the message says besides the op and the argument.
    says: str = "given"
    # Where the message may name another argument than the spoilt one: two that do not fit together.
    named: str = ""

    def __str__(self) -> str:
        value = self.value.__name__ if callable(self.value) else self.value
        return f"{self.op}-{self.argument}-{value}".replace(" ", "")


def as_float(x: Tensor) -> Tensor:
    return x.float()


def as_uint8(x: Tensor) -> Tensor:
    return x.to(torch.uint8)


def as_int8(x: Tensor) -> Tensor:
    return x.to(torch.int8)


def as_double(x: Tensor) -> Tensor:
    return x.double()


def first_of_batch(x: Tensor) -> Tensor:
    return x[0]


def channels_last_strides(x: Tensor) -> Tensor:
    """The same shape, but not contiguous: what an NCHW tensor in channels_last memory would be."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def every_other(x: Tensor) -> Tensor:
    return torch.stack([x, x], -1)[..., 0]


def fewer_channels(x: Tensor) -> Tensor:
    return x[..., :-1].contiguous()


def one_pixel(x: Tensor) -> Tensor:
    return x[:, :1, :1].contiguous()


def no_channels(x: Tensor) -> Tensor:
    return x[..., :0].contiguous()


def no_rows(x: Tensor) -> Tensor:
    return x[:, :0].contiguous()


def as_array(x: Tensor) -> Any:
    return x.numpy()


def on_meta(x: Tensor) -> Tensor:
    return x.to("meta")


def seven_dimensions(x: Tensor) -> Tensor:
    return x.reshape(1, 1, 1, *x.shape)


def scalar(x: Tensor) -> Tensor:
    return x.flatten()[0].clone()


SCALES = [0.0, -0.1, NAN, INF, -INF, 1e-60]
CODES = [-129, 128, 2**40]
# Float32 in, float32 bounds: a table of their own.
F32 = ("conv2d_f32", "linear_f32")
FLOAT_LAYERS = (*F32, "linear_dynamic")
WINDOWED = ("conv2d", "conv2d_add", "conv2d_float", "max_pool2d", "avg_pool2d")


def scale_table() -> list[Bad]:
    return [
        Bad(op, argument, value)
        for op in OPS
        for argument in samples()[op]
        if argument.endswith("scale")
        for value in SCALES
    ]


def code_table() -> list[Bad]:
    codes = [
        (op, argument)
        for op in OPS
        for argument in samples()[op]
        if op not in F32 and argument.endswith(("zero_point", "_min", "_max"))
    ]
    table = [Bad(op, argument, value) for op, argument in codes for value in CODES]
    table += [Bad(op, argument, 1.5, TypeError, "int") for op, argument in codes]
    table += [
        Bad(op, "out_min", 121, named="out_m") for op, argument in codes if argument == "out_min"
    ]  # above out_max
    return table


def image_table() -> list[Bad]:
    """Ops over int8 images [N, H, W, C]."""
    images = [op for op in OPS if op not in ("quantize", "quantize_nhwc", "concat", *FLOAT_LAYERS)]
    table = []
    for op in images:
        x = "a" if op in ("add", "mul") else "x"
        table += [
            Bad(op, x, as_float, TypeError, "float32"),
            Bad(op, x, as_uint8, TypeError, "uint8"),
            Bad(op, x, every_other, says="contiguous"),
            Bad(op, x, on_meta, NotImplementedError, "meta"),
            Bad(op, x, as_array, TypeError, "ndarray"),
            Bad(op, x, None, TypeError, "NoneType"),
        ]
        if op in (*WINDOWED, "adaptive_avg_pool2d", "dequantize_nchw"):
            table += [
                Bad(op, x, first_of_batch, says="[N, H, W, C]"),
                Bad(op, x, channels_last_strides, says="strides"),
                Bad(op, x, no_channels),
                Bad(op, x, no_rows),
            ]
    return table


def window_table() -> list[Bad]:
    table = []
    for op in WINDOWED:
        for argument in ("kernel_size", "stride", "padding", "dilation"):
            good = samples()[op].get(argument)
            if good is None:
                continue
            table += [
                Bad(op, argument, good[:1]),
                Bad(op, argument, [*good, 1]),
                Bad(op, argument, [-1] * len(good)),
                Bad(op, argument, "3x3", TypeError, "str"),
            ]
            if argument != "padding":
                table.append(Bad(op, argument, [0, 1]))
        table += [Bad(op, "padding", [size] * 4) for size in (2**40, 2**62)]
        # Valid, but no machine has the memory for the output: PyTorch's allocator says so.
        if op in ("conv2d", "conv2d_float"):
            table.append(Bad(op, "padding", [2**22] * 4, RuntimeError, "allocate"))
        table.append(Bad(op, "kernel_size", [2**62, 2**62]))
    table += [Bad(op, "padding", [3, 0, 0, 0], says="window") for op in ("max_pool2d", "avg_pool2d")]
    table += [Bad(op, "x", one_pixel, says="pad") for op in ("conv2d", "conv2d_add", "conv2d_float")]
    return table


def packed_table() -> list[Bad]:
    table = []
    for op in ("conv2d", "conv2d_add", "conv2d_float", "linear", "linear_float"):
        out = "out_features" if op.startswith("linear") else "out_channels"
        table += [
            Bad(op, "packed", as_float, TypeError, "float32"),
            Bad(op, "packed", every_other, says="contiguous"),
            Bad(op, "packed", on_meta, NotImplementedError, "meta"),
            Bad(op, "packed", lambda p: p[:0], mk.FormatError, "size"),
            Bad(op, "packed", lambda p: p[:63], mk.FormatError, "size"),
            Bad(op, "packed", lambda p: p[:-1].clone(), mk.FormatError, "size"),
            Bad(op, "x", fewer_channels, says=str(CHANNELS)),
            Bad(op, out, OUT_CHANNELS + 1, says=str(OUT_CHANNELS)),
            Bad(op, out, 0),
            Bad(op, out, -5),
            Bad(op, out, 2**40),
            Bad(op, "x_zero_point", 4, says="as packed"),
        ]
    for op in ("conv2d", "conv2d_add", "conv2d_float"):
        table += [Bad(op, "groups", value) for value in (0, -1, 2, 7, 2**40)]
        table.append(Bad(op, "kernel_size", [2, 2], says="as packed"))
    return table


def float_layer_table() -> list[Bad]:
    """Ops over float32 and packed weights."""
    table = []
    for op in FLOAT_LAYERS:
        out = "out_features" if op.startswith("linear") else "out_channels"
        table += [
            Bad(op, "x", as_double, TypeError, "float64"),
            Bad(op, "x", as_int8, TypeError, "int8"),
            Bad(op, "x", every_other, says="contiguous"),
            Bad(op, "x", on_meta, NotImplementedError, "meta"),
            Bad(op, "x", as_array, TypeError, "ndarray"),
            Bad(op, "x", None, TypeError, "NoneType"),
            Bad(op, "packed", as_float, TypeError, "float32"),
            Bad(op, "packed", every_other, says="contiguous"),
            Bad(op, "packed", on_meta, NotImplementedError, "meta"),
            Bad(op, "packed", lambda p: p[:63], mk.FormatError, "size"),
            Bad(op, "packed", lambda p: p[:-1].clone(), mk.FormatError, "size"),
            Bad(op, out, OUT_CHANNELS + 1, says=str(OUT_CHANNELS)),
            Bad(op, out, 0),
            Bad(op, out, 2**40),
        ]
    return table


def dynamic_table() -> list[Bad]:
    op = "linear_dynamic"
    convolution = packing.pack_conv2d(int8(OUT_CHANNELS, CHANNELS, 3, 3).clamp(-127), None, 0.01, 1.0, 0, 1.0)
    biased = packing.pack_linear(
        int8(OUT_CHANNELS, CHANNELS).clamp(-127), torch.ones(OUT_CHANNELS), 0.01, 1.0, 0, 1.0
    )
    return [
        *(Bad(op, "eps", value) for value in (*SCALES, 2.0**101)),
        Bad(op, "eps", "none", TypeError, "float"),
        Bad(op, "quant_min", 120, says="quant_min + 15"),
        Bad(op, "quant_max", -120, says="quant_min + 15"),
        Bad(op, "per_row", "yes", TypeError, "bool"),
        Bad(op, "symmetric", "no", TypeError, "bool"),
        Bad(op, "x", scalar, says="in_features"),
        Bad(op, "x", fewer_channels, says=str(CHANNELS)),
        Bad(op, "x", no_channels, says=str(CHANNELS)),
        Bad(op, "bias", as_double, TypeError, "float64"),
        Bad(op, "bias", every_other, says="contiguous"),
        Bad(op, "bias", lambda bias: bias[:-1].clone(), says=f"[{OUT_CHANNELS}]"),
        Bad(op, "bias", lambda bias: bias[None], says=f"[{OUT_CHANNELS}]"),
        Bad(op, "bias", on_meta, NotImplementedError, "meta"),
        Bad(op, "bias", None, TypeError, "NoneType"),
        Bad(op, "packed", packed_linear(), says="pack_linear_dynamic"),
        Bad(op, "packed", biased, says="pack_linear_dynamic"),
        Bad(op, "packed", convolution, says="those of a linear layer"),
        Bad(op, "packed", packed_linear_f32(), says="given float32 weights, accepted int8 ones"),
    ]


def f32_table() -> list[Bad]:
    table = []
    for op in F32:
        int8_weights = packed_linear() if op.startswith("linear") else packed_conv2d()
        table += [
            Bad(op, "packed", int8_weights, says="given int8 weights, accepted float32 ones"),
            Bad(op, "out_min", NAN, says="nan"),
            Bad(op, "out_max", NAN, says="nan", named="out_min"),
            Bad(op, "out_max", "none", TypeError, "float"),
        ]
    op = "conv2d_f32"
    for argument in ("kernel_size", "stride", "padding", "dilation"):
        good = samples()[op][argument]
        table += [
            Bad(op, argument, good[:1]),
            Bad(op, argument, [*good, 1]),
            Bad(op, argument, [-1] * len(good)),
            Bad(op, argument, "3x3", TypeError, "str"),
        ]
    table += [Bad(op, "padding", [size] * 4) for size in (2**40, 2**62)]
    table += [Bad(op, "groups", value) for value in (0, -1, 2, 7, 2**40)]
    return [
        *table,
        Bad(op, "padding", [2**22] * 4, RuntimeError, "allocate"),
        Bad(op, "kernel_size", [2, 2], says="as packed"),
        Bad(op, "x", first_of_batch, says="[N, C, H, W]"),
        Bad(op, "x", channels_last_strides, says="strides"),
        Bad(op, "x", lambda x: x[:, :-1].contiguous(), says=str(CHANNELS)),
        Bad(op, "x", lambda x: x[:, :, :1, :1].contiguous(), says="pad"),
        Bad(op, "out_max", -1.0, says="at most out_max", named="out_min"),
        Bad("linear_f32", "out_min", 3.0, says="at most out_max"),
        Bad("linear_f32", "x", scalar, says="in_features"),
        Bad("linear_f32", "x", fewer_channels, says=str(CHANNELS)),
        Bad("linear_f32", "x", no_channels, says=str(CHANNELS)),
        Bad("linear_f32", "packed", packed_conv2d_f32(), says="those of a linear layer"),
        Bad("conv2d", "packed", packed_conv2d_f32(), says="given float32 weights, accepted int8 ones"),
        Bad("linear", "packed", packed_linear_f32(), says="given float32 weights, accepted int8 ones"),
    ]


def other_table() -> list[Bad]:
    residual = samples()["conv2d_add"]["residual"]
    xs = samples()["concat"]["xs"]
    return [
        Bad("quantize", "x", as_double, TypeError, "float64"),
        Bad("quantize", "x", every_other, says="contiguous"),
        Bad("quantize", "x", on_meta, NotImplementedError, "meta"),
        Bad("quantize_nhwc", "x", as_double, TypeError, "float64"),
        Bad("quantize_nhwc", "x", first_of_batch, says="[N, C, H, W]"),
        Bad("quantize_nhwc", "x", on_meta, NotImplementedError, "meta"),
        Bad("lut", "table", int8(255), says="[256]"),
        Bad("lut", "table", int8(2, 128), says="[256]"),
        Bad("lut", "table", torch.zeros(256), TypeError, "float32"),
        Bad("lut", "table", on_meta, NotImplementedError, "meta"),
        Bad("conv2d_add", "residual", fewer_channels, says="the output's"),
        Bad("conv2d_add", "residual", first_of_batch, says="[2, 4, 9, 20]"),
        Bad("conv2d_add", "residual", as_float, TypeError, "float32"),
        Bad("conv2d_add", "residual", every_other, says="contiguous"),
        Bad("conv2d_add", "residual", residual.to("meta"), NotImplementedError, "meta"),
        Bad("linear", "x", scalar, says="in_features"),
        Bad("linear_float", "x", no_channels, says=str(CHANNELS)),
        Bad("add", "b", fewer_channels, says="broadcast"),
        Bad("mul", "b", fewer_channels, says="broadcast"),
        Bad("add", "a", seven_dimensions, says="6"),
        Bad("mul", "b", seven_dimensions, says="6"),
        Bad("avg_pool2d", "divisor_override", -1),
        Bad("adaptive_avg_pool2d", "output_size", [0, 1]),
        Bad("adaptive_avg_pool2d", "output_size", [1]),
        Bad("adaptive_avg_pool2d", "output_size", [2**40, 2**40]),
        Bad("concat", "xs", [], says="at least one"),
        Bad("concat", "xs", xs[0], TypeError, "list"),
        Bad("concat", "xs", [xs[0], xs[1][:1].contiguous()], says="xs[1]"),
        Bad("concat", "xs", [xs[0], xs[1].float()], TypeError, "xs[1]"),
        Bad("concat", "xs", [xs[0], every_other(xs[1])], says="xs[1]"),
        Bad("concat", "xs", [xs[0], xs[1].to("meta")], NotImplementedError, "xs[1]"),
        Bad("concat", "dim", 4),
        Bad("concat", "dim", -5),
        Bad("concat", "scales", [0.1], says="2"),
        Bad("concat", "scales", [0.1, NAN], says="nan", named="scales"),
        Bad("concat", "scales", [0.1, -1.0], says="-1", named="scales"),
        Bad("concat", "zero_points", [1, 2, 3], says="2"),
        Bad("concat", "zero_points", [1, 200], says="200"),
        Bad("channel_shuffle", "groups", 0),
        Bad("channel_shuffle", "groups", -3),
        Bad("channel_shuffle", "groups", 4, says=str(CHANNELS)),
        Bad("channel_shuffle", "x", scalar),
        Bad("slice_channels", "start", -1),
        Bad("slice_channels", "start", 5),
        Bad("slice_channels", "end", 7),
        Bad("slice_channels", "x", scalar),
    ]


TABLE = [
    *scale_table(),
    *code_table(),
    *image_table(),
    *window_table(),
    *packed_table(),
    *float_layer_table(),
    *f32_table(),
    *dynamic_table(),
    *other_table(),
]


@pytest.mark.parametrize("bad", TABLE, ids=str)
def test_bad_argument(bad: Bad) -> None:
    arguments = samples()[bad.op]
    good = arguments[bad.argument]
    value = bad.value(good) if callable(bad.value) else bad.value
    with pytest.raises(bad.error) as caught:
        getattr(mk.ops, bad.op)(**{**arguments, bad.argument: value})
    message = str(caught.value)
    if bad.error is not RuntimeError:
        assert type(caught.value) is bad.error
        assert re.match(rf"(mobilekernels::)?{bad.op}(: |\(\) )", message)
        assert (bad.named or bad.argument) in message
    assert bad.says in message


@pytest.mark.parametrize("op", OPS)
def test_torch_ops_give_the_same_message_as_a_runtime_error(op: str) -> None:
    arguments = samples()[op]
    name = next(iter(arguments))
    good = arguments[name]
    bad = [x.double() for x in good] if isinstance(good, list) else good.double()
    with pytest.raises(RuntimeError, match=rf"\ATypeError: {op}: {name}(\[0\])?: given float64, accepted "):
        getattr(torch.ops.mobilekernels, op).default(*{**arguments, name: bad}.values())


@pytest.mark.parametrize("op", OPS)
def test_empty_batch_is_an_empty_result(op: str) -> None:
    full = getattr(mk.ops, op)(**samples(batch=1)[op])
    empty = getattr(mk.ops, op)(**samples(batch=0)[op])
    assert empty.shape == (0, *full.shape[1:])
    assert empty.dtype == full.dtype


@dataclass(frozen=True)
class BadOut:
    name: str
    make: Callable[[Tensor], Tensor]
    error: str


def overlapping(out: Tensor) -> Tensor:
    return out


BAD_OUTS = [
    BadOut("shape", lambda out: out.new_empty((*out.shape, 1)), "ValueError"),
    BadOut("size", lambda out: out.new_empty((out.shape[0] + 1, *out.shape[1:])), "ValueError"),
    BadOut("dtype", lambda out: out.to(torch.float64), "TypeError"),
    BadOut("strides", every_other, "ValueError"),
]


@pytest.mark.parametrize("bad", BAD_OUTS, ids=lambda bad: bad.name)
@pytest.mark.parametrize("op", OPS)
def test_out_is_not_resized_or_converted(op: str, bad: BadOut) -> None:
    arguments = tuple(samples()[op].values())
    out = bad.make(getattr(torch.ops.mobilekernels, op).default(*arguments))
    shape = out.shape
    with pytest.raises(RuntimeError, match=rf"\A{bad.error}: {op}: out: given "):
        getattr(torch.ops.mobilekernels, op).out(*arguments, out=out)
    assert out.shape == shape


def test_out_may_not_overlap_an_input() -> None:
    memory = int8(100)
    table = int8(256)
    lut = torch.ops.mobilekernels.lut
    with pytest.raises(RuntimeError, match=r"\AValueError: lut: out: given memory"):
        lut.out(memory[:60], table, out=memory[40:])
    with pytest.raises(RuntimeError, match=r"\AValueError: lut: out: given memory"):
        lut.out(memory[:50], table, out=table[100:150])
    expected = lut.default(memory[:50].clone(), table)
    assert torch.equal(lut.out(memory[:50], table, out=memory[50:]), expected)


# Header fields of csrc/pack/format.h: name, offset, struct format, a value that cannot be right.
HEADER = [
    ("magic", 0, "4s", b"MKPX"),
    ("version", 4, "<H", 2),
    ("format", 6, "<H", 99),
    ("format", 6, "<H", 3),
    ("format", 6, "<H", 2),
    ("out_channels", 8, "<I", 0),
    ("out_channels", 8, "<I", 33),
    ("out_channels", 8, "<I", 2**32 - 1),
    ("in_channels", 12, "<I", 0),
    ("in_channels", 12, "<I", 2**31),
    ("kernel_h", 16, "<H", 0),
    ("kernel_h", 16, "<H", 65535),
    ("kernel_w", 18, "<H", 0),
    ("groups", 20, "<I", 0),
    ("groups", 20, "<I", 4),
    ("block_channels", 24, "<H", 8),
    ("block_k", 26, "<H", 1),
    ("input_zero_point", 28, "<i", 128),
    ("nonzeros", 32, "<Q", 2**63),
    ("payload_bytes", 40, "<Q", 2**64 - 1),
    ("payload_bytes", 40, "<Q", 0),
    ("payload_checksum", 48, "<Q", 1),
    ("blocks", 56, "<I", 1),
]
# What a wrong value shows up as: sizes that no longer fit together.
ALSO = {
    "format": ("format", "groups", "version"),
    "out_channels": ("out_channels", "payload_bytes", "nonzeros"),
    "in_channels": ("in_channels", "payload_bytes"),
    "kernel_h": ("kernel_h", "payload_bytes"),
    "groups": ("groups",),
}


@pytest.fixture(scope="module")
def good_packed() -> Tensor:
    """Kept alive through the tests, so that no damaged copy is laid where it was found good."""
    return packed_conv2d(seed=77)


def run_conv2d(packed: Tensor) -> Tensor:
    return mk.ops.conv2d(**{**samples()["conv2d"], "packed": packed})


def all_readers(packed: Tensor) -> list[Callable[[], Any]]:
    return [lambda: run_conv2d(packed), lambda: packing.unpack(packed), lambda: packing.read_header(packed)]


def forged(packed: Tensor, offset: int, layout: str, value: Any) -> Tensor:
    """One field changed, and the header's checksum made right again."""
    data = bytearray(packed.numpy().tobytes())
    struct.pack_into(layout, data, offset, value)
    struct.pack_into("<I", data, 60, core.checksum64(bytes(data[:60])) & 0xFFFFFFFF)
    return torch.frombuffer(data, dtype=torch.int8)


@pytest.mark.parametrize("field", HEADER, ids=lambda field: f"{field[0]}-{field[3]}")
def test_each_header_field_is_checked(good_packed: Tensor, field: tuple[str, int, str, Any]) -> None:
    name, offset, layout, value = field
    packed = forged(good_packed, offset, layout, value)
    for read in all_readers(packed):
        with pytest.raises(mk.FormatError) as caught:
            read()
        assert any(each in str(caught.value) for each in ALSO.get(name, (name,)))


# What is another value, or wrong for another reason, in float32 weights.
HEADER_F32 = [
    *(field for field in HEADER if field[0] not in ("version", "format", "blocks")),
    ("version", 4, "<H", 2),
    ("format", 6, "<H", 3),
    ("input_zero_point", 28, "<i", 1),
    ("blocks", 56, "<I", 2**20),
]


@pytest.mark.parametrize("field", HEADER_F32, ids=lambda field: f"{field[0]}-{field[3]}")
def test_each_header_field_of_float_weights_is_checked(field: tuple[str, int, str, Any]) -> None:
    name, offset, layout, value = field
    packed = forged(packed_conv2d_f32(), offset, layout, value)
    also = {**ALSO, "kernel_h": ("kernel_h", "in_channels"), "blocks": ("blocks", "payload_bytes")}
    arguments = {**samples()["conv2d_f32"], "packed": packed}
    for read in (
        lambda: mk.ops.conv2d_f32(**arguments),
        lambda: packing.unpack_f32(packed),
        lambda: packing.read_header(packed),
    ):
        with pytest.raises(mk.FormatError) as caught:
            read()
        assert any(each in str(caught.value) for each in also.get(name, (name,)))


def test_a_field_that_only_disagrees_with_the_call_names_the_argument(good_packed: Tensor) -> None:
    with pytest.raises(ValueError, match="conv2d: x_zero_point: given 3, accepted 9"):
        run_conv2d(forged(good_packed, 28, "<i", 9))


def test_header_names_are_the_fields() -> None:
    checked = {name for name, *_ in HEADER} - {"magic", "kernel_h", "kernel_w"} | {"kernel_size"}
    assert checked == {field.name for field in fields(packing.PackedHeader)}


@pytest.mark.parametrize("position", [*range(64), 64, 100, 335, 336, -1])
def test_one_changed_bit_anywhere_is_noticed(good_packed: Tensor, position: int) -> None:
    for bit in (1, 64):
        packed = good_packed.clone()
        packed[position] ^= bit
        for read in all_readers(packed):
            with pytest.raises(mk.FormatError):
                read()


def test_damage_in_place_is_noticed_by_the_readers(good_packed: Tensor) -> None:
    packed = good_packed.clone()
    run_conv2d(packed)
    packed[100] ^= 1
    for read in (packing.unpack, packing.read_header):
        with pytest.raises(mk.FormatError, match="payload_checksum"):
            read(packed)


def test_truncated_or_lengthened_packed_weights(good_packed: Tensor) -> None:
    n = good_packed.numel()
    for length in (0, 1, 4, 63, 64, 65, 335, n - 4, n - 1):
        for read in all_readers(good_packed[:length].clone()):
            with pytest.raises(mk.FormatError, match=r"size|payload_bytes"):
                read()
    for read in all_readers(torch.cat([good_packed, torch.zeros(4, dtype=torch.int8)])):
        with pytest.raises(mk.FormatError, match="size"):
            read()


def test_any_bytes_are_refused() -> None:
    for seed in range(200):
        packed = int8(1 + seed * 3, seed=seed)
        if seed % 2:
            packed[:4] = torch.tensor(list(b"MKPW"), dtype=torch.int8)[: packed.numel()]
        for read in all_readers(packed):
            with pytest.raises(mk.FormatError):
                read()


def test_depthwise_weights_do_not_pass_for_dense_ones() -> None:
    packed = packing.pack_conv2d(int8(CHANNELS, 1, 3, 3).clamp(min=-127), None, 0.01, 0.02, 3, 0.05, CHANNELS)
    with pytest.raises(ValueError, match=r"conv2d: (out_channels|groups): given"):
        run_conv2d(packed)


def test_errors_in_threads_stay_in_their_thread() -> None:
    messages: list[str] = []

    def bad_call(code: int) -> None:
        try:
            mk.ops.conv2d(**{**samples()["conv2d"], "out_zero_point": code})
        except ValueError as exc:
            messages.append(str(exc))

    threads = [threading.Thread(target=bad_call, args=(1000 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(1000 + i) in message for i, message in enumerate(sorted(messages))) == [True] * 4


def test_after_all_that_the_ops_still_work() -> None:
    for op in OPS:
        first = getattr(mk.ops, op)(**samples()[op])
        assert torch.equal(getattr(mk.ops, op)(**samples()[op]), first)


@pytest.mark.parametrize("error", [ValueError, TypeError, NotImplementedError, mk.FormatError])
def test_translate_gives_the_named_type(error: type[Exception]) -> None:
    typed = translate(RuntimeError(f"{error.__name__}: conv2d: x: given 1, accepted 2"))
    assert type(typed) is error
    assert str(typed) == "conv2d: x: given 1, accepted 2"


def test_translate_leaves_other_exceptions_alone() -> None:
    for exc in (
        RuntimeError("ValueError"),
        RuntimeError("out of memory"),
        KeyError("ValueError: x"),
        OSError("x"),
    ):
        assert translate(exc) is exc


def test_bad_argument_wording() -> None:
    assert str(bad_argument(ValueError, "f", "x", 1, 2)) == "f: x: given 1, accepted 2"

# Types of the extension module that csrc/bindings/python builds.
import numpy as np
import numpy.typing as npt

_Int8 = npt.NDArray[np.int8]
_Int32 = npt.NDArray[np.int32]
_Float = npt.NDArray[np.float32]
_Range = tuple[int, int, int]
_Residual = tuple[_Int8, float, float, int, _Range]

def kernels() -> list[tuple[str, str, bool, bool, bool]]: ...
def not_built_reasons() -> dict[str, str]: ...
def runnable() -> dict[str, bool]: ...
def isa_cap() -> str: ...
def set_isa_cap(name: str) -> None: ...
def check_environment() -> None: ...
def pack_weights(
    weights: _Int8,
    bias: _Int32 | None,
    scale: _Float,
    groups: int,
    input_zero_point: int,
    block: tuple[int, int] | None = None,
) -> _Int8: ...
def unpack_weights(packed: _Int8) -> tuple[_Int8, _Int32, _Int32, _Float]: ...
def pack_weights_f32(weights: _Float, bias: _Float | None, groups: int, block: tuple[int, int]) -> _Int8: ...
def unpack_weights_f32(packed: _Int8) -> tuple[_Float, _Float]: ...
def read_header(packed: _Int8) -> dict[str, object]: ...
def checksum64(data: bytes) -> int: ...
def gemm(
    isa: str,
    a: _Int8,
    packed: _Int8,
    range: _Range,
    out: _Int8 | _Float,
    residual: _Residual | None = None,
    group: int = 0,
    repeats: int = 1,
) -> float: ...
def gemm_tile(isa: str) -> tuple[int, int, int, bool]: ...
def spgemm(
    isa: str,
    a: _Int8,
    packed: _Int8,
    range: _Range,
    out: _Int8 | _Float,
    residual: _Residual | None = None,
    group: int = 0,
    panel_pixels: int | None = None,
    repeats: int = 1,
) -> float: ...
def spgemm_panel(isa: str, quads: int, block_channels: int) -> tuple[int, int]: ...
def spgemm_f32(
    isa: str,
    a: _Float,
    packed: _Int8,
    range: tuple[float, float],
    out: _Float,
    group: int = 0,
    panel_pixels: int | None = None,
) -> None: ...
def spgemm_f32_panel(isa: str, k: int, block_channels: int) -> tuple[int, int]: ...
def depthwise(
    isa: str,
    x: _Int8,
    packed: _Int8,
    range: _Range,
    out: _Int8 | _Float,
    out_w: int,
    residual: _Residual | None = None,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    row_begin: int = 0,
    repeats: int = 1,
) -> float: ...
def add(
    isa: str,
    a: _Int8,
    b: _Int8,
    a_zero_point: int,
    a_scale: float,
    b_zero_point: int,
    b_scale: float,
    range: _Range,
    out: _Int8,
) -> None: ...
def mul(
    isa: str,
    a: _Int8,
    b: _Int8,
    a_zero_point: int,
    b_zero_point: int,
    scale: float,
    range: _Range,
    out: _Int8,
) -> None: ...
def lut(isa: str, x: _Int8, table: _Int8, out: _Int8) -> None: ...
def quantize(isa: str, x: _Float, inverse_scale: float, range: _Range, out: _Int8) -> None: ...
def quantize3(isa: str, x: _Float, inverse_scale: float, range: _Range, out: _Int8) -> None: ...
def dequantize(isa: str, x: _Int8, scale: float, zero_point: int, out: _Float) -> None: ...
def interleave2(isa: str, x: _Int8, out: _Int8) -> None: ...
def widen(isa: str, x: _Float) -> tuple[int, int]: ...
def pool_max_line(
    isa: str,
    x: _Int8,
    first: int,
    columns: int,
    column_step: int,
    pixels: int,
    pixel_step: int,
    out: _Int8,
) -> None: ...
def pool_accumulate(isa: str, x: _Int8, sums: _Int32) -> None: ...
def pool_finish(isa: str, sums: _Int32, offset: int, scale: float, range: _Range, out: _Int8) -> None: ...
def segment_memory(program: str, tensors: list[tuple[str, list[int]]], threads: int) -> dict[str, int]: ...
def start_segment_recording() -> None: ...
def stop_segment_recording() -> list[tuple[str, int, list[tuple[int, int]]]]: ...

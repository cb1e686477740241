"""The operators as typed functions, and their fakes (registered on import).

`torch.ops.mobilekernels.<op>` is the same op with PyTorch's own error types; docs/design.md lists the
schemas.
"""

from mobilekernels import _lib as _lib
from mobilekernels.ops.binary import add, mul
from mobilekernels.ops.block_sparse_f32 import conv2d_f32, linear_f32
from mobilekernels.ops.concat import channel_shuffle, concat, slice_channels
from mobilekernels.ops.conv2d import conv2d, conv2d_add, conv2d_float
from mobilekernels.ops.linear import linear, linear_float
from mobilekernels.ops.linear_dynamic import linear_dynamic
from mobilekernels.ops.pool2d import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from mobilekernels.ops.segment import segment
from mobilekernels.ops.unary import dequantize, dequantize_nchw, lut, quantize, quantize_nhwc

__all__ = [
    "adaptive_avg_pool2d",
    "add",
    "avg_pool2d",
    "channel_shuffle",
    "concat",
    "conv2d",
    "conv2d_add",
    "conv2d_f32",
    "conv2d_float",
    "dequantize",
    "dequantize_nchw",
    "linear",
    "linear_dynamic",
    "linear_f32",
    "linear_float",
    "lut",
    "max_pool2d",
    "mul",
    "quantize",
    "quantize_nhwc",
    "segment",
    "slice_channels",
]

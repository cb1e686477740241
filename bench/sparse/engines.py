"""One pruned layer on the engines that skip zeros. Dense engines are those of `bench.micro.engines`."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor, nn

from bench.micro.case import OUT_SCALE, OUT_ZERO_POINT, X_SCALE, X_ZERO_POINT, Case, Weights
from bench.micro.engines import Instance, LayerEngine, Make, ours
from mobilekernels import packing
from mobilekernels.engines.base import EngineAbsent
from mobilekernels.engines.torch_int8 import quantized_engine
from mobilekernels.pruning.blocks import Block


def ours_sparse(block: Block) -> Make:
    """The custom op on a block-sparse weight."""
    return lambda case, weights: ours(case, weights, block)


def ours_float(block: Block) -> Make:
    """The float32 custom op, NCHW as PyTorch's own."""

    def make(case: Case, weights: Weights) -> Instance:
        ops, out, clamp = torch.ops.mobilekernels, case.out_channels, (-math.inf, math.inf)
        x, values = case.x.float(), weights.dequantized()
        if case.is_linear:
            rows, packed = (
                x.reshape(case.image[0], -1),
                packing.pack_linear_f32(values.flatten(1), weights.bias, block),
            )
            return Instance(lambda: ops.linear_f32.default(rows, packed, out, *clamp), None)
        image = x.permute(0, 3, 1, 2).contiguous()
        packed = packing.pack_conv2d_f32(values, weights.bias, case.groups, block)
        (top, left), dilation = case.padding, [1, 1]
        window = (list(case.kernel), list(case.stride), [top, top, left, left], dilation, case.groups)
        return Instance(lambda: ops.conv2d_f32.default(image, packed, out, *window, *clamp), None)

    return make


def fbgemm(case: Case, weights: Weights) -> Instance:
    """``torch.ao.nn.sparse.quantized.Linear`` on FBGEMM, 1x4 blocks, uint8 activations."""
    from torch.ao.nn.sparse import quantized

    rows = _rows(case)
    with quantized_engine("fbgemm"):
        module = _packed(quantized.Linear, case, weights)
        module.scale, module.zero_point = OUT_SCALE, OUT_ZERO_POINT + 128
    codes = (case.x.to(torch.int16) + 128).to(torch.uint8).reshape(rows, case.channels)
    x = torch._make_per_tensor_quantized_tensor(codes, X_SCALE, X_ZERO_POINT + 128)

    def int8(y: object) -> Tensor:
        assert isinstance(y, Tensor)
        return _nhwc(case, (y.int_repr().to(torch.int16) - 128).to(torch.int8))

    return Instance(lambda: module(x), int8, lambda: quantized_engine("fbgemm"))


def qnnpack(case: Case, weights: Weights) -> Instance:
    """``torch.ao.nn.sparse.quantized.dynamic.Linear`` on QNNPACK, 1x4 blocks: it has no static one."""
    from torch.ao.nn.sparse.quantized import dynamic

    rows = _rows(case)
    with quantized_engine("qnnpack"):
        module = _packed(dynamic.Linear, case, weights)
    x = X_SCALE * (case.x.float() - X_ZERO_POINT).reshape(rows, case.channels)
    return Instance(lambda: module(x), None, lambda: quantized_engine("qnnpack"))


def csr(case: Case, weights: Weights) -> Instance:
    """A product by a float32 matrix in CSR, as ``torch.nn.functional.linear`` runs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is in beta
        matrix = weights.dequantized().flatten(1).to_sparse_csr()
    rows, bias = case.x.float().reshape(_rows(case), case.channels), weights.bias
    return Instance(lambda: nn.functional.linear(rows, matrix, bias), None)


def _rows(case: Case) -> int:
    """Of the matrix product that the layer is."""
    if not case.is_linear and (case.kernel, case.stride, case.groups) != ((1, 1), (1, 1), 1):
        raise EngineAbsent("it has linear layers only")
    return math.prod(case.image)


def _packed(kind: type[nn.Module], case: Case, weights: Weights) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = kind(case.channels, case.out_channels, 1, 4)
    zeros = torch.zeros(case.out_channels, dtype=torch.int64)
    codes = weights.codes.flatten(1)
    quantized = torch._make_per_channel_quantized_tensor(codes, weights.scale.double(), zeros, 0)
    module.set_weight_bias(quantized, weights.bias, 1, 4)
    return module


def _nhwc(case: Case, y: Tensor) -> Tensor:
    return y.reshape(1, *case.out_image, case.out_channels)


# Those that skip zeros, beside ours. `block`: the pattern that they take; None: any.
SPARSE_PEERS = (
    LayerEngine("fbgemm-sparse", "PyTorch FBGEMM sparse 1x4", fbgemm, "allocates the result"),
    LayerEngine("qnnpack-sparse", "PyTorch QNNPACK sparse 1x4, dynamic", qnnpack, "float32 in and out"),
    LayerEngine("torch-csr", "PyTorch CSR float32", csr, "float32 in and out; allocates the result"),
)

"""A canonical graph executed operator by operator with the NumPy reference: the bytes a conversion must give.

Written from docs/design.md and independent of mobilekernels.lowering. Where an operator reads numbers on int8
grids and a quantize is its only reader, both are one step of tests/reference.py; operators that only move
values move codes; everything else runs as the float operator of PyTorch on dequantized numbers.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx

from mobilekernels.passes import canonical_ops
from mobilekernels.passes.grid import MOVES
from mobilekernels.passes.qdq import constant, is_constant, is_dequantize, is_quantize, qparams_of
from mobilekernels.qparams import QParams
from tests import reference

aten = torch.ops.aten


@dataclass(frozen=True)
class Codes:
    """int8 codes in logical order and their grid."""

    q: torch.Tensor
    scale: float
    zero_point: int

    def numbers(self) -> torch.Tensor:
        return torch.from_numpy(reference.dequantize(self.q.numpy(), self.scale, self.zero_point))


class CanonicalExecutor(fx.Interpreter):
    """`run` gives float outputs; `codes` then holds each computed int8 tensor by the name of its operator.

    `worst` is, by operator, the largest distance in quanta between these codes and the float operator, then
    the quantize, both fed the same codes.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.codes: dict[str, torch.Tensor] = {}
        self.worst: dict[str, int] = {}
        self._after: QParams | None = None

    def run_node(self, n: fx.Node) -> Any:
        users = list(n.users)
        self._after = qparams_of(users[0]) if len(users) == 1 and is_quantize(users[0]) else None
        value = self._value(n)
        if isinstance(value, Codes) and not is_dequantize(n):
            self.codes[n.name] = value.q
        return value

    def _value(self, n: fx.Node) -> Any:
        if n.op == "output":
            return fx.map_arg(n.args[0], lambda a: _numbers(self.env[a]))
        if n.op != "call_function":
            return super().run_node(n)
        if _is_weight(n):
            return n
        if is_quantize(n):
            return self._quantize(n)
        if is_dequantize(n):
            params = qparams_of(n)
            return Codes(self.env[n.args[0]].q, params.scale, params.zero_point)
        if n.target is canonical_ops.lut:
            table = constant(self.module, n.args[1]).numpy()
            return Codes(torch.from_numpy(reference.lut(self.env[n.args[0]].q.numpy(), table)), 1.0, 0)
        sources = [self.env[a] for a in n.all_input_nodes if not is_constant(a) and not _is_weight(a)]
        tensors = [s for s in sources if isinstance(s, (Codes, torch.Tensor, list))]
        if tensors and all(_on_grid(s) for s in tensors):
            integer = self._integer(n)
            if integer is not None:
                if self._after is not None:
                    self._compare_with_float(n, integer)
                return integer
        return self._float(n)

    def _quantize(self, n: fx.Node) -> Codes:
        params, source = qparams_of(n), self.env[n.args[0]]
        if isinstance(source, Codes) and (source.scale, source.zero_point) == (
            params.scale,
            params.zero_point,
        ):
            return Codes(source.q.clamp(params.low, params.high), params.scale, params.zero_point)
        x = _numbers(source).contiguous().numpy()
        codes = torch.from_numpy(reference.quantize(x, params.scale, params.zero_point))
        return Codes(codes.clamp(params.low, params.high), params.scale, params.zero_point)

    def _float(self, n: fx.Node) -> Any:
        args = fx.map_arg(n.args, self._number_of)
        kwargs = fx.map_arg(n.kwargs, self._number_of)
        return n.target(*args, **kwargs)  # type: ignore[operator]

    def _number_of(self, n: fx.Node) -> Any:
        value = self.env[n]
        return _dequantized_weight(self.module, value) if isinstance(value, fx.Node) else _numbers(value)

    def _compare_with_float(self, n: fx.Node, computed: Codes) -> None:
        assert self._after is not None
        expected = self._after.quantize(self._float(n))
        self.worst[n.name] = (
            int((expected.to(torch.int32) - computed.q).abs().max()) if computed.q.numel() else 0
        )

    # Integer steps: None where there is none.

    def _integer(self, n: fx.Node) -> Codes | torch.Tensor | list[Codes] | None:
        target, after = n.target, self._after
        if target in MOVES or target is aten.max_pool2d.default or target is aten.constant_pad_nd.default:
            return self._moved(n)
        if target is canonical_ops.conv2d:
            return self._conv2d(n)
        if target is aten.linear.default:
            return self._linear(n)
        if target is aten.cat.default:
            return self._cat(n)
        if after is None:
            return None
        output = {"out_scale": after.scale, "out_zero_point": after.zero_point}
        bounds = {"out_min": after.low, "out_max": after.high}
        if target in (aten.add.Tensor, aten.mul.Tensor) and not n.kwargs:
            a, b = (self.env[x] for x in n.args)  # type: ignore[index]
            step = reference.add if target is aten.add.Tensor else reference.mul
            result = step(
                a.q.numpy(), b.q.numpy(), a_scale=a.scale, a_zero_point=a.zero_point, b_scale=b.scale,
                b_zero_point=b.zero_point, **output, **bounds,
            )  # fmt: skip
            return Codes(torch.from_numpy(result), after.scale, after.zero_point)
        if target is aten.avg_pool2d.default:
            return self._avg_pool2d(n, after)
        spatial_mean = target is aten.mean.dim and sorted(d % 4 for d in n.args[1]) == [2, 3]
        if spatial_mean or target is aten.adaptive_avg_pool2d.default:
            x = self.env[n.args[0]]
            size = [1, 1] if target is aten.mean.dim else n.args[1]
            result = reference.adaptive_avg_pool2d(
                _nhwc(x.q),
                size,
                x_scale=x.scale,
                x_zero_point=x.zero_point,
                **output,
                **bounds,  # type: ignore[arg-type]
            )
            pooled = _nchw(result)
            keeps = target is not aten.mean.dim or (len(n.args) > 2 and n.args[2])
            return Codes(pooled if keeps else pooled.flatten(1), after.scale, after.zero_point)
        return None

    def _cat(self, n: fx.Node) -> Codes | None:
        """Requantizes parts to the quantize that follows, else keeps the grid that all of them share."""
        parts = [self.env[a] for a in n.args[0]]
        grids = {(p.scale, p.zero_point) for p in parts}
        if self._after is not None:
            grids = {(self._after.scale, self._after.zero_point)}
        if len(grids) > 1:
            return None
        ((scale, zero_point),) = grids
        codes, scales, zero_points = zip(*((p.q.numpy(), p.scale, p.zero_point) for p in parts), strict=True)
        result = reference.concat(codes, n.args[1], scales, zero_points, scale, zero_point)
        return Codes(torch.from_numpy(result), scale, zero_point)

    def _avg_pool2d(self, n: fx.Node, after: QParams) -> Codes:
        x = self.env[n.args[0]]
        defaults = (None, None, [0, 0], False, True, None)
        kernel, stride, padding, *flags = (*n.args[1:], *defaults[len(n.args) - 1 :])
        ceil_mode, include_pad, divisor = flags
        kernel, stride, padding = ([*v, *v][:2] for v in (kernel, stride or kernel, padding))
        result = reference.avg_pool2d(
            _nhwc(x.q), kernel, stride, [padding[0]] * 2 + [padding[1]] * 2, ceil_mode, include_pad,
            divisor or 0,
            x_scale=x.scale, x_zero_point=x.zero_point, out_scale=after.scale, **_output(after),
        )  # fmt: skip
        return Codes(_nchw(result), after.scale, after.zero_point)

    def _moved(self, n: fx.Node) -> Any:
        x = self.env[n.args[0]]
        if n.target is operator.getitem and isinstance(x, list):
            return x[n.args[1]]  # type: ignore[index]
        if n.target is aten.max_pool2d.default:
            # Codes are small integers: exact in float, and max keeps them.
            moved = n.target(x.q.to(torch.float32), *n.args[1:]).to(torch.int8)
        elif n.target is aten.constant_pad_nd.default:
            moved = n.target(x.q, n.args[1], x.zero_point)
        else:
            moved = n.target(x.q, *fx.map_arg(n.args[1:], lambda a: self.env[a]))  # type: ignore[operator]
        if isinstance(moved, (list, tuple)):
            return [Codes(m.contiguous(), x.scale, x.zero_point) for m in moved]
        return Codes(moved.contiguous(), x.scale, x.zero_point)

    def _conv2d(self, n: fx.Node) -> Codes | torch.Tensor | None:
        x, (weight, bias, scale) = self.env[n.args[0]], self._weights(n)
        _, _, _, stride, padding, dilation, groups = n.args
        window: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        operands = (_nhwc(x.q), weight, bias, scale)
        if self._after is None:
            return _nchw(reference.conv2d_float(*operands, **window, x_zero_point=x.zero_point))
        result = reference.conv2d(*operands, **window, x_zero_point=x.zero_point, **_output(self._after))
        return Codes(_nchw(result), self._after.scale, self._after.zero_point)

    def _linear(self, n: fx.Node) -> Codes | torch.Tensor:
        x, (weight, bias, scale) = self.env[n.args[0]], self._weights(n)
        operands = (x.q.numpy(), weight, bias, scale)
        if self._after is None:
            return torch.from_numpy(reference.linear_float(*operands, x_zero_point=x.zero_point))
        result = reference.linear(*operands, x_zero_point=x.zero_point, **_output(self._after))
        return Codes(torch.from_numpy(result), self._after.scale, self._after.zero_point)

    def _weights(self, n: fx.Node) -> tuple[Any, Any, Any]:
        """int8 weights, int32 biases, float32 scales, as docs/design.md and mobilekernels.packing say."""
        codes, weight_scale = _weight_parts(self.module, n.args[1])
        x, out_scale = self.env[n.args[0]], self._after.scale if self._after else 1.0
        weight = codes.numpy()
        accumulator_scale = np.broadcast_to(x.scale * weight_scale, weight.shape[:1]).astype(np.float64)
        bias_node = n.args[2] if len(n.args) > 2 else None
        real = (
            np.zeros(weight.shape[0])
            if bias_node is None
            else self.env[bias_node].detach().numpy().astype(np.float64)
        )
        scale = (accumulator_scale / out_scale).astype(np.float32)
        with np.errstate(over="ignore"):
            bias = np.rint(real / accumulator_scale)
        # The scale of a channel without weights is free: packing makes bias * scale the bias itself.
        empty = ~weight.reshape(len(weight), -1).any(1)
        bias = np.where(empty, np.sign(real) * 2.0**22, bias)
        scale = np.where(empty & (real != 0), (np.abs(real) / out_scale / 2.0**22).astype(np.float32), scale)
        scale = np.where(empty & (real == 0), np.float32(1), scale)
        return weight, bias.astype(np.int32), scale.astype(np.float32)


def _output(after: QParams) -> dict[str, int]:
    return {"out_zero_point": after.zero_point, "out_min": after.low, "out_max": after.high}


def _on_grid(value: Any) -> bool:
    return all(map(_on_grid, value)) if isinstance(value, list) else isinstance(value, Codes)


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return value.numbers() if isinstance(value, Codes) else value


def _is_weight(n: fx.Node) -> bool:
    return "dequantize_per" in str(n.target) and is_constant(n.args[0])


def _weight_parts(module: fx.GraphModule, n: Any) -> tuple[torch.Tensor, Any]:
    codes = constant(module, n.args[0])
    scale = n.args[1]
    return codes, constant(module, scale).to(torch.float64).numpy() if is_constant(scale) else float(scale)


def _dequantized_weight(module: fx.GraphModule, n: fx.Node) -> torch.Tensor:
    args = fx.map_arg(n.args, lambda a: constant(module, a))
    return n.target(*args)  # type: ignore[operator, no-any-return]


def _nhwc(x: torch.Tensor) -> Any:
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def _nchw(x: Any) -> torch.Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()

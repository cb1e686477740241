"""Layer lists, which the runner reads: ``name: op key=value ...`` a line.

bench/cpp/cases.cc says which keys each operator has.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from mobilekernels.packing import read_header
from mobilekernels.segments.program import Program, Step, operator_of

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One operator with its shapes.

    Attributes:
        op: as in torch.ops.mobilekernels.
        values: key -> value, as text.
    """

    name: str
    op: str
    values: dict[str, str]

    def __str__(self) -> str:
        return " ".join(
            [f"{self.name}: {self.op}", *(f"{key}={value}" for key, value in self.values.items())]
        )


def parse(text: str) -> list[Layer]:
    """The layers of a list.

    Raises:
        ValueError: a line has another form; the message has its number.
    """
    layers = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        name, _, rest = content.partition(": ")
        op, *words = rest.split() or [""]
        if not name or not op or not all("=" in word for word in words):
            raise ValueError(f"layers: line {number}: given {content!r}, accepted 'name: op key=value ...'")
        layers.append(Layer(name, op, dict(word.split("=", 1) for word in words)))
    return layers


@dataclass(frozen=True)
class LayerList:
    """The operators of a network, in the order in which they run.

    Attributes:
        others: operators that are not ours, and how often each runs: no part of the list.
    """

    layers: tuple[Layer, ...]
    others: dict[str, int]

    def text(self, source: str) -> str:
        """The file; ``source`` names the network in its first line."""
        lines = [f"# {source}: our operators in the order in which they run, on these input sizes."]
        if self.others:
            counts = ", ".join(f"{name} x{count}" for name, count in self.others.items())
            lines.append(f"# PyTorch's own between them, not in the list: {counts}")
        return "\n".join([*lines, *map(str, self.layers)]) + "\n"


def layers_of(module: fx.GraphModule, inputs: Sequence[Tensor]) -> LayerList:
    """Runs a converted graph once on ``inputs`` and lists what ran.

    Args:
        module: ``ConvertedModel.graph_module``, or the module of an exported program of one.
    """
    recorder = _Recorder(module)
    with torch.no_grad():
        recorder.run(*inputs)
    return LayerList(tuple(recorder.layers), dict(recorder.others))


class _Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.layers: list[Layer] = []
        self.others: Counter[str] = Counter()

    def run_node(self, n: fx.Node) -> Any:
        if not isinstance(n.target, torch._ops.OpOverload):
            return super().run_node(n)
        args, _ = self.fetch_args_kwargs_from_env(n)
        if n.target is torch.ops.mobilekernels.segment.default:
            return self._run_segment(*args)
        self._record(n.target, args, n.meta.get("canonical_name", n.name))
        return super().run_node(n)

    def _run_segment(self, inputs: Any, constants: Any, program: str) -> list[Tensor]:
        def run(step: Step, arguments: list[Any]) -> Tensor:
            target = operator_of(step.name)
            self._record(target, arguments, step.label)
            result: Tensor = target(*arguments)
            return result

        return Program.parse(program).run(inputs, constants, run)

    def _record(self, target: torch._ops.OpOverload, args: Sequence[Any], label: str) -> None:
        op = target._schema.name.split("::")[1]
        if target.namespace == "mobilekernels":
            self.layers.append(Layer(label, op, _VALUES[op](args)))
        else:
            self.others[op] += 1


def _x(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _image(x: Tensor, channels: str) -> dict[str, str]:
    """An NHWC image; a batch of one goes without saying, as every default does."""
    n, h, w, c = x.shape
    return {channels: str(c), "image": _x((h, w)), **({"batch": str(n)} if n != 1 else {})}


def _window(kernel: Any, stride: Any, padding: Any, dilation: Any) -> dict[str, str]:
    top, bottom, left, right = padding
    values = {"kernel": _x(kernel), "stride": _x(stride)}
    values["pad"] = _x((top, left)) if (top, left) == (bottom, right) else _x(padding)
    values["dilation"] = _x(dilation)
    defaults = {"stride": "1x1", "pad": "0x0", "dilation": "1x1"}
    return {key: value for key, value in values.items() if defaults.get(key) != value}


def _blocks(packed: Tensor) -> dict[str, str]:
    """Of a block-sparse weight: the block, and how many of all blocks are zero, in percent."""
    header = read_header(packed)
    if not header.format.startswith("block_sparse"):
        return {}
    channels = header.out_channels // header.groups
    k = math.prod(header.kernel_size) * header.in_channels // header.groups
    most = -(-channels // header.block_channels) * -(-k // header.block_k) * header.groups
    zeros = round(100 * (1 - header.blocks / most))
    return {"block": _x((header.block_channels, header.block_k)), "zeros": str(zeros)}


def _conv2d(args: Sequence[Any], window: int = 2) -> dict[str, str]:
    """``window``: where the output channels and the window begin among the arguments."""
    out, kernel, stride, padding, dilation, groups = args[window : window + 6]
    values = {"in": str(args[0].shape[3]), "out": str(out), **_window(kernel, stride, padding, dilation)}
    if groups != 1:
        values["groups"] = str(groups)
    image = {key: value for key, value in _image(args[0], "in").items() if key != "in"}
    return values | image | _blocks(args[1])


def _conv2d_f32(args: Sequence[Any]) -> dict[str, str]:
    """As the others, of an image that is NCHW."""
    return _conv2d([args[0].permute(0, 2, 3, 1), *args[1:]])


def _linear(args: Sequence[Any]) -> dict[str, str]:
    features = args[0].shape[-1]
    values = {"rows": str(args[0].numel() // features), "in": str(features), "out": str(args[2])}
    return values | _blocks(args[1])


def _linear_dynamic(args: Sequence[Any]) -> dict[str, str]:
    values = _linear([args[0], args[1], args[3]])
    per_row, symmetric = args[4:6]
    flags = {"per_row": "1" if per_row else "", "symmetric": "1" if symmetric else ""}
    return values | {key: value for key, value in flags.items() if value}


def _binary(args: Sequence[Any]) -> dict[str, str]:
    return {"a": _x(args[0].shape), "b": _x(args[1].shape)}


def _elementwise(args: Sequence[Any]) -> dict[str, str]:
    return {"shape": _x(args[0].shape)}


def _max_pool2d(args: Sequence[Any]) -> dict[str, str]:
    ceil = {"ceil": "1"} if args[5] else {}
    return _image(args[0], "channels") | _window(*args[1:5]) | ceil


def _avg_pool2d(args: Sequence[Any]) -> dict[str, str]:
    kernel, stride, padding, ceil, count_include_pad, divisor = args[1:7]
    values = _image(args[0], "channels") | _window(kernel, stride, padding, (1, 1))
    flags = {"ceil": "1" if ceil else "", "count_pad": "" if count_include_pad else "0"}
    flags["divisor"] = str(divisor or "")
    return values | {key: value for key, value in flags.items() if value}


def _adaptive_avg_pool2d(args: Sequence[Any]) -> dict[str, str]:
    return _image(args[0], "channels") | {"size": _x(args[1])}


def _concat(args: Sequence[Any]) -> dict[str, str]:
    parts, dim = args[0], args[1] % args[0][0].dim()
    inner = [math.prod(part.shape[dim:]) for part in parts]
    return {"outer": str(math.prod(parts[0].shape[:dim])), "inner": _x(inner)}


def _rows(x: Tensor) -> dict[str, str]:
    return {"outer": str(math.prod(x.shape[:-1])), "channels": str(x.shape[-1])}


def _channel_shuffle(args: Sequence[Any]) -> dict[str, str]:
    return _rows(args[0]) | {"groups": str(args[1])}


def _slice_channels(args: Sequence[Any]) -> dict[str, str]:
    return _rows(args[0]) | {"start": str(args[1]), "end": str(args[2])}


def _quantize_nhwc(args: Sequence[Any]) -> dict[str, str]:
    return _image(args[0].permute(0, 2, 3, 1), "channels")


def _dequantize_nchw(args: Sequence[Any]) -> dict[str, str]:
    return _image(args[0], "channels")


_VALUES: dict[str, Callable[[Sequence[Any]], dict[str, str]]] = {
    "conv2d": _conv2d,
    "conv2d_add": lambda args: _conv2d(args, window=3),
    "conv2d_float": _conv2d,
    "linear": _linear,
    "linear_float": _linear,
    "linear_dynamic": _linear_dynamic,
    "conv2d_f32": _conv2d_f32,
    "linear_f32": _linear,
    "add": _binary,
    "mul": _binary,
    "lut": _elementwise,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "adaptive_avg_pool2d": _adaptive_avg_pool2d,
    "concat": _concat,
    "channel_shuffle": _channel_shuffle,
    "slice_channels": _slice_channels,
    "quantize": _elementwise,
    "quantize_nhwc": _quantize_nhwc,
    "dequantize": _elementwise,
    "dequantize_nchw": _dequantize_nchw,
}

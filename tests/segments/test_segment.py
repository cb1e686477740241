"""`segment` equals its operators called one by one, whatever the shapes, and refuses what they refuse."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

import mobilekernels as mk
from mobilekernels.segments.partition import fuse_segments
from mobilekernels.segments.program import Program, Step, operator_of
from tests.op_samples import samples

ours = torch.ops.mobilekernels


def one_step(name: str, arguments: dict[str, Any]) -> tuple[list[Tensor], list[Tensor], Program]:
    """A program of one operator; packed weights and tables are constants."""
    inputs: list[Tensor] = []
    constants: list[Tensor] = []
    numbers: list[Any] = []
    for key, value in arguments.items():
        if isinstance(value, Tensor):
            (constants if key in ("packed", "table") else inputs).append(value)
        elif isinstance(value, list) and value and isinstance(value[0], Tensor):
            inputs += value
        else:
            numbers.append(value)
    order = [*inputs, *constants]
    values = [
        next(i for i, t in enumerate(order) if t is tensor)
        for value in arguments.values()
        for tensor in (value if isinstance(value, list) else [value])
        if isinstance(tensor, Tensor)
    ]
    step = Step(name, tuple(values), tuple(numbers), "label")
    return inputs, constants, Program(len(inputs), len(constants), (step,), (len(order),))


@pytest.mark.parametrize("name", samples())
@pytest.mark.parametrize("batch", [1, 3])
def test_every_operator(name: str, batch: int) -> None:
    arguments = samples(batch)[name]
    inputs, constants, program = one_step(name, arguments)
    assert Program.parse(program.text()) == program
    (result,) = mk.ops.segment(inputs, constants, program.text())
    expected = operator_of(name)(**arguments)
    assert result.dtype == expected.dtype
    assert torch.equal(result, expected)
    out = torch.full_like(expected, 77)
    ours.segment.out(inputs, constants, program.text(), out=[out])
    assert torch.equal(out, expected)


class Net(nn.Module):
    """Branches, a residual, views, and an operator that stays with PyTorch (softmax) in the middle."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU6())
        self.left = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.right = nn.Sequential(nn.Conv2d(16, 16, 1), nn.Hardswish())
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.left(x) + x, self.right(x)], dim=1)
        if self.softmax:
            x = torch.softmax(x, dim=1)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def segments_of(module: fx.GraphModule) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.target is ours.segment.default]


class StepByStep(fx.Interpreter):
    """Runs a segment's operators one by one, from Python."""

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is not ours.segment.default:
            return super().call_function(target, args, kwargs)
        inputs, constants, text = args
        return Program.parse(text).run(inputs, constants)


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "softmax"])
def converted(request: pytest.FixtureRequest) -> mk.ConvertedModel:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 16)
    return mk.convert(mk.quantize(Net(request.param).eval(), [(x,)]), (x,))[0]


INPUTS = [
    torch.randn(1, 3, 16, 16),
    torch.randn(4, 3, 16, 16),
    torch.randn(2, 3, 31, 18),
    torch.randn(2, 3, 20, 20).contiguous(memory_format=torch.channels_last),
    torch.randn(4, 6, 16, 32)[::2, ::2, :, ::2],
]


def test_what_is_fused(converted: mk.ConvertedModel, request: pytest.FixtureRequest) -> None:
    graph = converted.graph_module.graph
    softmax = any("softmax" in str(node.target) for node in graph.nodes)
    assert len(segments_of(converted.graph_module)) == (2 if softmax else 1)
    targets = {str(node.target) for node in graph.nodes if node.op == "call_function"}
    assert {t for t in targets if "mobilekernels" in t} == {"mobilekernels.segment.default"}


@pytest.mark.parametrize("x", INPUTS)
def test_equals_its_operators(converted: mk.ConvertedModel, x: Tensor) -> None:
    assert torch.equal(converted(x), StepByStep(converted.graph_module).run(x))


def test_many_threads_may_run_one_model(converted: mk.ConvertedModel) -> None:
    expected = [converted(x) for x in INPUTS]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(converted, INPUTS * 25))
    for i, result in enumerate(results):
        assert torch.equal(result, expected[i % len(INPUTS)])


def test_export_with_any_batch(converted: mk.ConvertedModel) -> None:
    exported = torch.export.export(
        converted, (INPUTS[1],), dynamic_shapes={"x": {0: torch.export.Dim("batch")}}
    )
    file = io.BytesIO()
    torch.export.save(exported, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    for x in INPUTS[:2]:
        assert torch.equal(loaded(x), converted(x))


def test_fuse_segments_leaves_a_lone_operator() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    graph.output(graph.call_function(ours.quantize.default, (x, 0.1, 3)))
    module = fx.GraphModule(nn.Module(), graph)
    assert fuse_segments(module) == 0
    assert torch.equal(module(torch.ones(3)), torch.full((3,), 13, dtype=torch.int8))


GOOD = "segment 1\ninputs 1\nconstants 1\nlut 0 1 :\noutputs 2\n"
X, TABLE = torch.zeros(4, dtype=torch.int8), torch.zeros(256, dtype=torch.int8)


@pytest.mark.parametrize(
    ("inputs", "constants", "program", "error", "part"),
    [
        ([X], [TABLE], GOOD.replace("lut", "nothing"), mk.FormatError, "no operator 'nothing'"),
        ([X], [TABLE], GOOD.replace("segment 1", "segment 9"), mk.FormatError, "line 1"),
        ([X], [TABLE], GOOD[:-12], mk.FormatError, "line"),
        ([X], [], GOOD, ValueError, "given 1 tensors, accepted 2"),
        ([X.float()], [TABLE], GOOD, ValueError, "lut: x: given float32, accepted int8"),
        ([X.double()], [TABLE], GOOD, TypeError, r"inputs\[0\]: given float64"),
        ([X], [TABLE[::2]], GOOD, ValueError, r"constants\[0\]: given strides"),
        ([X], [TABLE[:100]], GOOD, ValueError, "lut: table: given 100 entries, accepted 256"),
        ([X.view(2, 2).t()], [TABLE], GOOD, ValueError, r"inputs\[0\]: given strides"),
        ([X.to("meta")], [TABLE], GOOD, NotImplementedError, r"inputs\[0\]: given a tensor on meta"),
        ([[1]], [TABLE], GOOD, TypeError, r"inputs\[0\]: given list"),
    ],
)
def test_what_is_wrong_is_named(
    inputs: Any, constants: Any, program: str, error: type[Exception], part: str
) -> None:
    with pytest.raises(error, match=part):
        mk.ops.segment(inputs, constants, program)


@pytest.mark.parametrize(
    "text", ["", "segment 1\n", GOOD.replace("segment 1", "segment 2"), GOOD.replace(" :", ""), GOOD[:-12]]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(mk.FormatError):
        Program.parse(text)


def test_out_must_fit() -> None:
    with pytest.raises(RuntimeError, match="given 0 tensors, accepted 1"):
        ours.segment.out([X], [TABLE], GOOD, out=[])
    with pytest.raises(RuntimeError, match="shares no memory"):
        ours.segment.out([X], [TABLE], GOOD, out=[X])


def test_opcheck() -> None:
    torch.library.opcheck(ours.segment.default, ([X], [TABLE], GOOD))


def test_a_state_dict_with_a_damaged_weight_is_refused(converted: mk.ConvertedModel) -> None:
    state = {name: tensor.clone() for name, tensor in converted.state_dict().items()}
    name = next(name for name, tensor in state.items() if tensor.numel() > 300)
    good = {**state, name: state[name].clone()}
    state[name][200] += 1
    with pytest.raises(mk.FormatError, match=name.partition(".")[2]):
        converted.load_state_dict(state)
    converted.load_state_dict(good)

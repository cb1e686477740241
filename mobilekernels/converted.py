"""The model that `convert` gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from mobilekernels.errors import FormatError, translate
from mobilekernels.packing import read_header
from mobilekernels.report import Report
from mobilekernels.segments.direct import Direct
from mobilekernels.segments.walk import calls


@dataclass(frozen=True)
class InputSpec:
    """What an input must be; `channels` is the size of dimension 1 of images and of feature rows."""

    name: str
    dtype: torch.dtype
    rank: int
    channels: int | None

    @classmethod
    def of(cls, name: str, example: Tensor) -> InputSpec:
        rank = example.dim()
        return cls(name, example.dtype, rank, example.shape[1] if rank in (2, 4) else None)

    def check(self, value: Any) -> None:
        """Raises TypeError, ValueError or NotImplementedError that names the input."""
        if not isinstance(value, Tensor):
            raise TypeError(f"{self.name}: given {type(value).__name__}, accepted a torch.Tensor")
        if value.device.type != "cpu":
            raise NotImplementedError(f"{self.name}: given a tensor on {value.device}, accepted cpu")
        if value.dtype != self.dtype:
            raise TypeError(f"{self.name}: given {value.dtype}, accepted {self.dtype}")
        if value.dim() != self.rank:
            raise ValueError(
                f"{self.name}: given shape {tuple(value.shape)}, accepted {self.rank} dimensions"
            )
        if value.numel() == 0:
            # Our operators give an empty result; what stays on stock ops may not, and a network without an
            # image is a caller's mistake.
            raise ValueError(f"{self.name}: given shape {tuple(value.shape)}, accepted at least one value")
        if self.channels is not None and value.shape[1] != self.channels:
            raise ValueError(
                f"{self.name}: given shape {tuple(value.shape)}, accepted {self.channels} in dimension 1"
            )


def _packed_weights(graph_module: fx.GraphModule) -> Iterator[str]:
    """The names of the buffers that operators take as `packed`."""
    for target, arguments in calls(graph_module):
        if isinstance(target, torch._ops.OpOverload):
            for argument, value in zip(target._schema.arguments, arguments, strict=False):
                if argument.name == "packed" and isinstance(value, fx.Node):
                    yield str(value.target)


def _check_loaded_weights(model: nn.Module, incompatible_keys: Any) -> None:
    """Operators trust a weight that they once found good: new bytes in its place are checked here, whole."""
    assert isinstance(model, ConvertedModel)
    for name in _packed_weights(model.graph_module):
        try:
            read_header(model.graph_module.get_buffer(name))
        except FormatError as error:
            raise FormatError(f"state_dict: graph_module.{name}: {error}") from error


class ConvertedModel(nn.Module):
    """A network on our kernels: takes and gives what the source did, at any batch size.

    Attributes:
        graph_module: the lowered graph, with calls of `segment` for the parts that are ours; packed weights
            and tables are its buffers.
        report: what was converted, and what was not and why.

    Calling it raises TypeError, ValueError or NotImplementedError for inputs unlike the example's.
    """

    # Made at the first call, and again where the graph was changed.
    _direct: Direct | None = None
    _direct_of: str | None = None

    def __init__(
        self, graph_module: fx.GraphModule, report: Report, specs: tuple[InputSpec | None, ...]
    ) -> None:
        super().__init__()
        self.graph_module = graph_module
        self.report = report
        self._specs = specs
        self.eval()
        self.register_load_state_dict_post_hook(_check_loaded_weights)  # type: ignore[no-untyped-call]

    def forward(self, x: Any, *others: Any) -> Any:
        """The network's output for its inputs, in the order the source takes them."""
        # The first input has a name, so that torch.export's `dynamic_shapes` reads as for any module.
        inputs = (x, *others)
        leaves = inputs if len(inputs) == len(self._specs) else tuple(pytree.tree_leaves(inputs))
        if torch.compiler.is_compiling():
            return self.graph_module(*leaves)
        self._check(leaves)
        try:
            return self._run(leaves)
        except RuntimeError as error:
            raise translate(error) from error

    def _run(self, leaves: tuple[Any, ...]) -> Any:
        module = self.graph_module
        if self._direct_of is not module._code:
            self._direct_of, self._direct = module._code, Direct.of(module)
        direct = self._direct
        return module(*leaves) if direct is None or not direct.fits(module) else direct(module, leaves)

    def _check(self, leaves: tuple[Any, ...]) -> None:
        if len(leaves) != len(self._specs):
            raise ValueError(f"inputs: given {len(leaves)}, accepted {len(self._specs)}")
        for spec, value in zip(self._specs, leaves, strict=True):
            if spec is not None:
                spec.check(value)

"""Which operator of a lowered program ended up where, and why XNNPACK's partitioner refused some."""

from __future__ import annotations

import contextlib
import logging
import operator
from collections.abc import Iterator, Mapping
from typing import Any

from torch import fx
from torch.export import ExportedProgram

from mobilekernels.export.contents import Collector, ExportedOp

_PARTITIONER = "executorch.backends.xnnpack.partition"
_UNKNOWN = "XNNPACK has no such operator"


@contextlib.contextmanager
def xnnpack_reasons() -> Iterator[Mapping[str, str]]:
    """While it lasts, node name -> why XNNPACK's partitioner refused the node. It only tells its log."""
    reasons: dict[str, str] = {}
    handler = _Reasons(reasons)
    logger = logging.getLogger(_PARTITIONER)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield reasons
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)


class _Reasons(logging.Handler):
    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__()
        self.reasons = reasons

    def emit(self, record: logging.LogRecord) -> None:
        node, reason = (getattr(record.msg, name, None) for name in ("node", "reason"))
        if isinstance(node, fx.Node) and isinstance(reason, str):
            self.reasons[node.name] = " ".join(reason.split())


def lowered_ops(program: ExportedProgram, reasons: Mapping[str, str] | None) -> list[ExportedOp]:
    """The operators of an edge program, those inside delegates too.

    Args:
        reasons: of `xnnpack_reasons`; None where XNNPACK was not asked.
    """
    collector = Collector.of("portable")
    for node in program.graph.nodes:
        if node.op != "call_function" or node.target is operator.getitem:
            continue
        if str(node.target) == "executorch_call_delegate":
            lowered: Any = getattr(program.graph_module, str(node.args[0].target))
            inside = lowered.original_module.graph.nodes
            collector.ops += [
                ExportedOp(_name(each), "xnnpack", each.name)
                for each in inside
                if each.op == "call_function" and each.target is not operator.getitem
            ]
        elif _name(node) == "mobilekernels::segment":
            collector.add_segment(str(node.args[2]))
        elif _name(node):
            why = "not asked to" if reasons is None else reasons.get(node.name, _UNKNOWN)
            collector.add(_name(node), node.name, why)
    return collector.ops


def _name(node: fx.Node) -> str:
    """ "aten::softmax"; empty for arithmetic on sizes."""
    schema = getattr(node.target, "_schema", None)
    return "" if schema is None else str(schema.name)

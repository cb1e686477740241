"""The engines that ``compare`` runs a network on, ours and the stock ones."""

from __future__ import annotations

from collections.abc import Iterable

from mobilekernels.engines import onnxruntime, openvino, ours, ours_pte, torch_float, torch_int8, xnnpack
from mobilekernels.engines.base import Engine, EngineAbsent, Pending, Prepared, Subject

ENGINES: tuple[Engine, ...] = (
    ours.ENGINE,
    torch_float.ENGINE,
    torch_int8.QNNPACK,
    torch_int8.FBGEMM,
    torch_int8.ONEDNN,
    xnnpack.FLOAT,
    xnnpack.INT8,
    xnnpack.SAME_GRAPH,
)
# Runtimes outside of PyTorch, our .pte in ExecuTorch too: run where they are named, as most users have none.
PEERS: tuple[Engine, ...] = (ours_pte.ENGINE, onnxruntime.INT8, openvino.INT8)


def select(engines: str | Iterable[str]) -> tuple[Engine, ...]:
    """The engines named, in the table's order; ``"all"`` for ``ENGINES``, which leaves ``PEERS`` out.

    Raises:
        ValueError: a name is unknown; the message lists those that there are.
    """
    if engines == "all":
        return ENGINES
    names = [engines] if isinstance(engines, str) else list(engines)
    known = [engine.name for engine in (*ENGINES, *PEERS)]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(
            f"engines: given {unknown or names}; accepted are 'all' or a list of {', '.join(known)}"
        )
    return tuple(engine for engine in (*ENGINES, *PEERS) if engine.name in names)


__all__ = ["ENGINES", "PEERS", "Engine", "EngineAbsent", "Pending", "Prepared", "Subject", "select"]

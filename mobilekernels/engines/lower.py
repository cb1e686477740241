"""A process of its own that lowers an exported program to ExecuTorch: ``python -m ... INPUT.pt2 OUTPUT.pte``.

Lowering takes tens of seconds of one core and writes to the terminal as it likes; in a process of its own it
runs beside the other engines, and what it writes stays here. The last line of stdout says where the operators
went.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path

from mobilekernels.export.contents import ExportedOp
from mobilekernels.export.pte import lower


def where(ops: tuple[ExportedOp, ...]) -> str:
    """Which operators run where, for people."""
    counts = Counter(op.place for op in ops)
    if set(counts) == {"xnnpack"}:
        return "all in XNNPACK delegates"
    return ", ".join(f"{count} operators {place}" for place, count in counts.most_common())


def main(source: str, target: str) -> None:
    """Read, lower, write."""
    import torch.ao.quantization.fx._decomposed  # registers the operators of PT2E graphs

    warnings.simplefilter("ignore")
    with torch.no_grad():
        # The same for us and for our peer: what is ours stays, XNNPACK takes what it can of the rest.
        program, ops = lower(torch.export.load(source))
    Path(target).write_bytes(program)
    print(f"\n{where(ops)}")


if __name__ == "__main__":
    main(*sys.argv[1:])

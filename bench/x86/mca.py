"""What LLVM's models of x86 cores say about the inner loops of gemm and spgemm: `make mca-x86`.

A proxy, not a measurement: `bench.proxies.mca` says what the models know, and what not; `bench.x86.cores`
where they are put right.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.proxies.mca import main as run
from bench.x86.cores import X86


def main(arguments: Sequence[str] | None = None) -> int:
    return run(X86, __doc__, "mca-x86", arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Runs every operator with all its tensors against guard pages: `python -m tests.ops.no_overread`.

A process of its own (test_no_overread.py starts it), for what it looks for ends the process. It says which
call is under way before each of them.
"""

import faulthandler
from typing import get_args

import torch

import mobilekernels as mk
from tests.ops.calls import Call, calls
from tests.ops.everywhere import Array, never, torch_threads
from tests.ops.guard_pages import GuardPages, Side
from tests.tested_isas import tested_isas


def run(call: Call, isa: str, side: Side) -> None:
    where = f"{isa} {side}"
    print(f"{call} {where}", flush=True)
    pages: list[GuardPages] = []

    def place(array: Array) -> torch.Tensor:
        pages.append(GuardPages(array.shape, array.dtype, side))
        pages[-1].array[...] = array
        return torch.from_numpy(pages[-1].array)

    out = place(never(call.expected))
    with mk.isa(isa):
        call.run_out(out, place)
    call.check(out, where)
    del out
    for page in pages:
        page.close()


def main() -> None:
    faulthandler.enable()
    count = 0
    with torch_threads(1):
        for call in calls():
            for isa in tested_isas():
                for side in get_args(Side):
                    run(call, isa, side)
                    count += 1
    print(f"{count} calls done", flush=True)


if __name__ == "__main__":
    main()

"""No operator reads or writes outside of its tensors, not even a byte of padding: new phones trap it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_operators_stay_inside_their_tensors() -> None:
    child = python("-m", "tests.ops.no_overread")
    last = child.stdout.splitlines()[-1:]
    assert child.returncode == 0, f"ended by {child.returncode} in {last}:\n{child.stderr[-3000:]}"
    assert re.fullmatch(r"[1-9]\d{3,} calls done", last[0])


def test_guard_pages_end_a_process_that_reads_on() -> None:
    """The check above can fail."""
    for side, offset in (("end", 8), ("start", -1)):
        child = python(
            "-c",
            "import ctypes, numpy as np; from tests.ops.guard_pages import GuardPages; "
            f"array = GuardPages((8,), np.int8, {side!r}).array; ctypes.string_at(array.ctypes.data, 8); "
            f"print('inside', flush=True); ctypes.string_at(array.ctypes.data + {offset}, 1)",
        )
        assert child.stdout == "inside\n"
        assert child.returncode < 0

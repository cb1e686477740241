"""Damaged files: an error that says so, and never a crash.

ExecuTorch's loader may crash on a damaged file, so ours looks first: every file of MUTATIONS is refused.
Behind a checksum that is right, in what is ours (packed weights, programs of segments), our kernels see it.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executorch.programs import seal
from tests.executorch.runner import RUNNER
from tests.executorch.runtime import Job, run_jobs
from tests.executorch.small_network import images, small_network
from tests.executorch.test_library import printed

pytest.importorskip("executorch", reason="executorch is not installed")

MUTATIONS = 1200


def mutations(file: bytes, count: int) -> Iterator[bytes]:
    """Truncated, with flipped bits, zeroed or repeated runs, with bytes behind; each differs from `file`."""
    random_ = random.Random(7)
    made = 0
    while made < count:
        kind = made % 5
        data = bytearray(file)
        at = random_.randrange(len(data))
        run = min(random_.choice((1, 4, 64, 4096)), len(data) - at)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            for _ in range(random_.choice((1, 2, 8))):
                data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        elif kind == 2:
            data[at : at + run] = bytes(run)
        elif kind == 3:
            data[at:at] = data[at : at + run]
        else:
            data += random_.randbytes(run)
        if data == file:
            continue
        made += 1
        yield bytes(data)


def test_every_mutated_file_is_refused(tmp_path: Path) -> None:
    file = small_network().file
    for i, data in enumerate(mutations(file, MUTATIONS)):
        (tmp_path / f"{i}.pte").write_bytes(data)
    (tmp_path / "whole.pte").write_bytes(file)
    lines = printed(
        """
        import pathlib, sys
        from mobilekernels import FormatError, executorch
        refused = 0
        for path in sorted(pathlib.Path(sys.argv[1]).glob("*.pte")):
            try:
                executorch.load_program(path)
                print(path.name)
            except FormatError as exc:
                assert str(exc).startswith(f"{path}: "), exc
                assert "given" in str(exc) and "accepted" in str(exc), exc
                refused += 1
        print(refused)
        """,
        str(tmp_path),
    )
    assert lines == ["whole.pte", str(MUTATIONS)]


def test_the_runner_refuses_them_too(tmp_path: Path) -> None:
    file = small_network().file
    paths = []
    for i, data in enumerate(mutations(file, MUTATIONS)):
        paths.append(tmp_path / f"{i}.pte")
        paths[-1].write_bytes(data)
    whole = tmp_path / "whole.pte"
    whole.write_bytes(file)
    done = subprocess.run(
        [RUNNER, "--check", *paths, whole], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"{MUTATIONS + 1} files, {MUTATIONS} refused"
    for path, line in zip(paths, lines[:-1], strict=True):
        assert line.startswith(f"{path}: FormatError: file: ")


def test_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "later.pte"
    path.write_bytes(seal(small_network().program, version=2))
    done = subprocess.run([RUNNER, path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == f"mk_runner: {path}: FormatError: file: version: given 2, accepted 1\n"


def of_ours(program: bytes) -> list[range]:
    """Where the packed weights and the segments' programs lie."""
    found = []
    at = program.find(b"MKPW")
    while at >= 0:
        found.append(range(at, at + 256))  # no blob is smaller
        at = program.find(b"MKPW", at + 4)
    at = program.find(b"segment 1\n")
    while at >= 0:
        found.append(range(at, program.index(b"\x00", at)))
        at = program.find(b"segment 1\n", at + 4)
    return found


def test_damage_to_what_is_ours_is_an_error_of_ours() -> None:
    program = small_network().program
    places = of_ours(program)
    assert len(places) >= 5  # four packed weights, a segment
    random_ = random.Random(3)
    jobs = [Job(program, [[images(2)]])]
    for i in range(300):
        data = bytearray(program)
        place = places[i % len(places)]
        data[random_.choice(place)] ^= 1 << random_.randrange(8)
        jobs.append(Job(bytes(data), [[images(2)]]))
    whole, *results = run_jobs(jobs)
    assert whole.error == ""
    errors = [result for result in results if result.error]
    # A flipped bit in a number or a label of a program may leave a program.
    assert len(errors) > 200
    for result in errors:
        assert result.last_error.split(":")[0] in ("FormatError", "ValueError", "TypeError", "MemoryError")


def test_weights_are_checked_again_where_another_file_lay(tmp_path: Path) -> None:
    """The same file, damaged in between, where it was: that its weights were good once does not count."""
    program = small_network().program
    path = tmp_path / "model.pte"
    path.write_bytes(program)
    lines = printed(
        """
        import sys, torch
        from pathlib import Path
        from mobilekernels import executorch
        path, at = Path(sys.argv[1]), int(sys.argv[2])
        for damage in (0, 1):
            data = bytearray(path.read_bytes())
            data[at] ^= damage
            path.write_bytes(data)
            program = executorch.load_program(path, unsealed=True)
            try:
                program.load_method("forward").execute([torch.zeros(1, 3, 16, 16)])
                print("ran")
            except RuntimeError:
                print(executorch.last_error())
            del program
        """,
        str(path),
        str(program.index(b"MKPW") + 200),
    )
    assert lines[0] == "ran"
    assert "payload_checksum: given a sum that does not match the payload" in lines[1]

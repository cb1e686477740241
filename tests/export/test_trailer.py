"""No damaged file passes."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from mobilekernels import FormatError
from mobilekernels.export import trailer

PROGRAM = bytes(random.Random(0).randbytes(4096))
FILE = trailer.seal(PROGRAM)


def test_the_layout_is_what_other_readers_rely_on() -> None:
    assert FILE[: len(PROGRAM)] == PROGRAM
    assert FILE[len(PROGRAM) :] == struct.pack("<8sQII", b"mkernels", 4096, 1, zlib.crc32(PROGRAM))
    assert trailer.check(FILE, "model.pte") == PROGRAM


def test_any_flipped_bit_is_found() -> None:
    for position in range(len(FILE)):
        damaged = bytearray(FILE)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(FormatError, match=r"\Amodel\.pte: trailer: "):
            trailer.check(bytes(damaged), "model.pte")


def test_any_cut_is_found() -> None:
    for length in [*range(64), *range(64, len(FILE), 61), len(FILE) - 1]:
        with pytest.raises(FormatError, match="cut off"):
            trailer.check(FILE[:length], "model.pte")


def test_other_lengths_and_versions_are_named() -> None:
    with pytest.raises(FormatError, match="given 4097 bytes of program, accepted 4096"):
        trailer.check(b"x" + FILE, "model.pte")
    newer = PROGRAM + struct.pack("<8sQII", b"mkernels", 4096, 2, zlib.crc32(PROGRAM))
    with pytest.raises(FormatError, match="given version 2, accepted 1"):
        trailer.check(newer, "model.pte")

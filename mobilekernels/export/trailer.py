"""The last bytes of a `.pte` file of ours: its length and checksum, so that a damaged one never reaches
ExecuTorch.

ExecuTorch's loaders trust a file's offsets, and ignore what comes behind the program. 24 bytes, little
endian: magic "mkernels", the number of bytes in front of it (uint64), the version of this format (uint32),
their CRC-32 (uint32, of zlib's polynomial).
"""

from __future__ import annotations

import struct
import zlib

from mobilekernels.errors import FormatError

MAGIC = b"mkernels"
VERSION = 1
_LAYOUT = struct.Struct("<8sQII")
BYTES = _LAYOUT.size


def seal(program: bytes) -> bytes:
    """The program with its trailer."""
    return program + _LAYOUT.pack(MAGIC, len(program), VERSION, zlib.crc32(program))


def check(data: bytes, name: str) -> bytes:
    """The program of a file's bytes; `name` is what errors call the file.

    Raises:
        FormatError: the file is damaged, cut off, of another version, or not of `mobilekernels.export`.
    """
    if len(data) < BYTES:
        raise FormatError(f"{name}: given {len(data)} bytes, accepted at least {BYTES}: the file is cut off")
    magic, length, version, checksum = _LAYOUT.unpack(data[-BYTES:])
    if magic != MAGIC:
        raise FormatError(
            f"{name}: trailer: given magic {magic!r}, accepted {MAGIC!r}: the file is cut off, or not "
            "of mobilekernels.export"
        )
    if version != VERSION:
        raise FormatError(f"{name}: trailer: given version {version}, accepted {VERSION}")
    if length != len(data) - BYTES:
        raise FormatError(f"{name}: trailer: given {len(data) - BYTES} bytes of program, accepted {length}")
    program = data[:-BYTES]
    if zlib.crc32(program) != checksum:
        raise FormatError(
            f"{name}: trailer: the program's checksum is not {checksum:#010x}: the file is damaged"
        )
    return program

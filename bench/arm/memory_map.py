"""Where a run's addresses lie: libraries by /proc/self/maps, functions by nm."""

from __future__ import annotations

import re
import subprocess
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

NM = "aarch64-linux-gnu-nm"
READELF = "aarch64-linux-gnu-readelf"
_LOAD = re.compile(r"^ +LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+)", re.MULTILINE)


@dataclass(frozen=True)
class Mapping:
    """Addresses begin <= pc < end hold the file `path` from `offset` on."""

    begin: int
    end: int
    offset: int
    path: str


class MemoryMap:
    """The files of a process by address."""

    def __init__(self, maps: str) -> None:
        """`maps`: the text of /proc/self/maps."""
        self._mappings = []
        for line in maps.splitlines():
            addresses, _, offset, _, _, *rest = line.split(maxsplit=5)
            begin, end = (int(address, 16) for address in addresses.split("-"))
            self._mappings.append(Mapping(begin, end, int(offset, 16), rest[0] if rest else "[anonymous]"))
        self._mappings.sort(key=lambda mapping: mapping.begin)
        self._begins = [mapping.begin for mapping in self._mappings]

    def find(self, pc: int) -> Mapping | None:
        """The mapping of an address, if there is one."""
        at = bisect_right(self._begins, pc) - 1
        return self._mappings[at] if at >= 0 and pc < self._mappings[at].end else None


class Symbols:
    """The functions of a library by their place in its file."""

    def __init__(self, path: Path) -> None:
        listing = subprocess.run([NM, "-n", str(path)], capture_output=True, text=True, check=True).stdout
        functions = (line.split(maxsplit=2) for line in listing.splitlines())
        # $x and $d mark code and data, not functions.
        self._named = [
            (int(f[0], 16), f[2]) for f in functions if len(f) == 3 and f[1] in "tTwW" and f[2][0] != "$"
        ]
        self._addresses = [address for address, _ in self._named]
        headers = subprocess.run(
            [READELF, "-lW", str(path)], capture_output=True, text=True, check=True
        ).stdout
        self._loads = [tuple(int(field, 16) for field in load) for load in _LOAD.findall(headers)]

    def find(self, offset: int) -> str:
        """The function at an offset of the file; `?` where none is known."""
        for begin, address, size in self._loads:
            if begin <= offset < begin + size:
                at = bisect_right(self._addresses, offset - begin + address) - 1
                return self._named[at][1] if at >= 0 else "?"
        return "?"

"""Arrays that touch memory nobody may read: one byte too far is a segmentation fault."""

import ctypes
import mmap
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

PROT_NONE = 0
Side = Literal["start", "end"]


class GuardPages:
    """Memory whose `array` begins right behind, or ends right before, a page that may not be touched.

    Give it up with `close`, after the last use of `array`.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike, side: Side) -> None:
        dtype = np.dtype(dtype)
        count = int(np.prod(shape))
        page = mmap.PAGESIZE
        inner = -(-max(count * dtype.itemsize, 1) // page) * page
        self._memory = mmap.mmap(-1, inner + 2 * page)
        self._hold = (ctypes.c_char * (inner + 2 * page)).from_buffer(self._memory)
        address = ctypes.addressof(self._hold)
        libc = ctypes.CDLL(None, use_errno=True)
        for guard in (address, address + page + inner):
            if libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        offset = page if side == "start" else page + inner - count * dtype.itemsize
        self.array: npt.NDArray[Any] = np.frombuffer(self._memory, dtype, count, offset).reshape(shape)

    def close(self) -> None:
        del self.array
        del self._hold
        self._memory.close()

"""Page protection of mapped memory, so that a kernel that reads or writes where it must not dies of it at once."""

from __future__ import annotations

import ctypes
import mmap
from enum import IntEnum


class Access(IntEnum):
    """What may be done with pages: `PROT_NONE`, `PROT_READ`, `PROT_READ | PROT_WRITE` of mprotect(2)."""

    NONE = 0
    READ = 1
    WRITE = 3


def protect(memory: mmap.mmap, offset: int, size: int, access: Access) -> None:
    """Set the access to the pages of `memory` that hold `size` bytes from `offset`, which starts a page.

    Does nothing where the system has no mprotect: the guards and the check of outputs remain.
    """
    try:
        function = ctypes.CDLL(None).mprotect
    except (OSError, AttributeError):
        return
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    function(ctypes.c_void_p(start + offset), ctypes.c_size_t(-(-size // mmap.PAGESIZE) * mmap.PAGESIZE), int(access))

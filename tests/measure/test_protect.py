"""Protected pages: whoever touches them dies at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import mmap
from autosearch.measure.protect import Access, protect
memory = mmap.mmap(-1, 4 * mmap.PAGESIZE)
memory[0] = 1
protect(memory, mmap.PAGESIZE, mmap.PAGESIZE + 1, Access.READ)
protect(memory, 3 * mmap.PAGESIZE, 1, Access.NONE)
print(memory[0], memory[mmap.PAGESIZE], memory[3 * mmap.PAGESIZE - 1], flush=True)
{}
protect(memory, 0, 4 * mmap.PAGESIZE, Access.WRITE)
memory[3 * mmap.PAGESIZE] = 3
print(memory[3 * mmap.PAGESIZE], flush=True)
"""


@pytest.mark.parametrize(
    ("what", "dies"),
    [
        ("memory[mmap.PAGESIZE - 1] = 1", False),
        ("memory[mmap.PAGESIZE] = 1", True),
        ("memory[3 * mmap.PAGESIZE - 1] = 1", True),  # sizes are rounded up to pages
        ("memory[3 * mmap.PAGESIZE]", True),
    ],
)
def test_protected_pages(what: str, dies: bool) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(what)], stdout=subprocess.PIPE, text=True)
    assert done.stdout == ("1 0 0\n" if dies else "1 0 0\n3\n")
    assert done.returncode == (-signal.SIGSEGV if dies else 0)

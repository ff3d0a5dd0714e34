"""What kernels were linked as, as long as anybody holds one of them: whoever wants another need not compile it again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from autosearch.measure.protocol import Candidate

Handle = tuple[int, int]


@dataclass
class _Library:
    candidate: Candidate
    file: int
    """Open in this process: the one that linked it may end."""
    handles: set[Handle] = field(default_factory=set)

    @property
    def path(self) -> str:
        """Where worker processes find it."""
        return f"/proc/{os.getpid()}/fd/{self.file}"


class Libraries:
    """Of kernels by their handles. They lie in memory."""

    def __init__(self) -> None:
        self._by_candidate: dict[Candidate, _Library] = {}
        self._by_handle: dict[Handle, _Library] = {}

    def of(self, candidate: Candidate) -> str:
        """The path of what a candidate was linked as; "" where nobody holds that."""
        library = self._by_candidate.get(candidate)
        return library.path if library is not None else ""

    def add(self, candidate: Candidate, handle: Handle, path: str) -> None:
        """Take what a worker linked, or loaded, at `path` for a kernel."""
        library = self._by_candidate.get(candidate)
        if library is None:
            try:
                library = _Library(candidate, os.open(path, os.O_RDONLY))
            except OSError:
                return  # the process that made it has ended since
            self._by_candidate[candidate] = library
        library.handles.add(handle)
        self._by_handle[handle] = library

    def drop(self, handle: Handle) -> None:
        """A kernel is held no longer."""
        library = self._by_handle.pop(handle, None)
        if library is not None:
            library.handles.discard(handle)
            if not library.handles:
                del self._by_candidate[library.candidate]
                os.close(library.file)

    def close(self) -> None:
        """Nothing is held any longer."""
        for handle in list(self._by_handle):
            self.drop(handle)

"""`autosearch report`: one self-contained page about a result. Needs the extra `autosearch[report]`."""

from __future__ import annotations

import os
from pathlib import Path

from autosearch.errors import ExportError
from autosearch.result import Result


def report(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the page to `path`. Raises `ExportError` where that isn't possible, or the extra isn't installed."""
    where = Path(path)
    if where.suffix not in (".html", ".htm"):
        raise ExportError(f"can't write a report to {str(where)!r}: its name must end in .html")
    try:
        from autosearch.report.page import render
    except ImportError as error:
        raise ExportError(
            f"a report needs {error.name}, which isn't installed: pip install 'autosearch[report]'"
        ) from None
    text = render(result)
    try:
        where.write_text(text)
    except OSError as error:
        raise ExportError(f"can't write {str(where)!r}: {error.strerror}") from None


__all__ = ["report"]

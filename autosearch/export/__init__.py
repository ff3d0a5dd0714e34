"""Handing a schedule over: as C++, as Python, as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from autosearch.errors import ExportError
from autosearch.export.cpp import cpp_header
from autosearch.export.generator import python_generator
from autosearch.export.paste import cpp_body
from autosearch.export.python import python_module
from autosearch.export.stored import to_json
from autosearch.result import Result

_GENERATOR = ".generator.py"
_WRITERS: dict[str, Callable[[Result, Path], str]] = {
    ".h": cpp_header,
    ".cpp": cpp_body,
    ".py": python_module,
    ".json": lambda result, _: json.dumps(to_json(result), indent=1) + "\n",
    _GENERATOR: python_generator,
}


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise `ExportError` where nothing could be exported to `path`."""
    where = Path(path)
    if _ending(where) not in _WRITERS:
        raise ExportError(f"can't export to {str(where)!r}: its name must end in one of {', '.join(_WRITERS)}")
    existing = where if where.exists() else where.parent
    if not where.parent.is_dir():
        raise ExportError(f"can't export to {str(where)!r}: there is no folder {str(where.parent)!r}")
    if where.is_dir() or not os.access(existing, os.W_OK):
        raise ExportError(f"can't export to {str(where)!r}: it can't be written")


def _ending(path: Path) -> str:
    return _GENERATOR if path.name.endswith(_GENERATOR) else path.suffix


def export(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the best schedule to `path`, in the form that its ending asks for. Raises `ExportError`."""
    check_path(path)
    where = Path(path)
    text = _WRITERS[_ending(where)](result, where)
    try:
        where.write_text(text)
    except OSError as error:
        raise ExportError(f"can't write {str(where)!r}: {error.strerror}") from None


__all__ = ["check_path", "export"]

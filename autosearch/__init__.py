"""AutoSearch: finds fast schedules for Halide pipelines by searching, compiling and timing.

result = autosearch.tune(pipeline, "host", trials=2000)
print(result.summary())
result.export("blur.schedule.h")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autosearch.errors import AutoSearchError

if TYPE_CHECKING:
    from autosearch.pipeline.generator import Generator as Generator
    from autosearch.replayer import replay as replay
    from autosearch.result import Result as Result
    from autosearch.schedule.schedule import Schedule as Schedule
    from autosearch.tuner import tune as tune

__version__ = "0.1.0"

_WHERE = {
    "Generator": "autosearch.pipeline.generator",
    "tune": "autosearch.tuner",
    "replay": "autosearch.replayer",
    "Result": "autosearch.result",
    "Schedule": "autosearch.schedule.schedule",
}
__all__ = ["AutoSearchError", "Generator", "Result", "Schedule", "replay", "tune"]


def __getattr__(name: str) -> Any:
    """Load the parts when they are first asked for: worker processes need few of them and start faster."""
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'autosearch' has no attribute {name!r}")

"""What makes two measurements comparable: the same pipeline at the same sizes, target, machine and Halide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from autosearch.errors import LogError

if TYPE_CHECKING:  # reading what was recorded needs no Halide
    from autosearch.machine import Machine
    from autosearch.pipeline.sizes import Sizes

HALIDE_VERSION = "21"


@dataclass(frozen=True)
class Identity:
    """The circumstances of a measurement."""

    pipeline: str
    """The algorithm's fingerprint."""
    sizes: str
    """A digest of the sizes tuned for."""
    target: str
    halide: str
    cpu: str
    threads: int
    cold: bool = False
    """Whether the caches were emptied before each sample."""

    def to_json(self) -> dict[str, Any]:
        content = asdict(self)
        if not self.cold:
            del content["cold"]
        return content

    @staticmethod
    def from_json(content: Any) -> Identity:
        """The inverse of `to_json`. Raises `LogError`."""
        if not isinstance(content, dict):
            raise LogError("a record's identity must be a JSON object")
        try:
            return _identity(*(content[name] for name in _NAMES), content.get("cold", False))
        except KeyError as error:
            raise LogError(f"a record's identity lacks {error}") from None
        except TypeError:  # it can't even be hashed
            raise LogError(_WRONG_TYPE) from None


_NAMES = ("pipeline", "sizes", "target", "halide", "cpu", "threads")
_WRONG_TYPE = "a record's identity holds values of the wrong type"


@lru_cache(maxsize=1024, typed=True)  # most records of a log have the same; typed: True is not 1
def _identity(pipeline: Any, sizes: Any, target: Any, halide: Any, cpu: Any, threads: Any, cold: Any) -> Identity:
    texts = (pipeline, sizes, target, halide, cpu)
    if not all(isinstance(text, str) for text in texts) or type(threads) is not int or not isinstance(cold, bool):
        raise LogError(_WRONG_TYPE)
    return Identity(pipeline, sizes, target, halide, cpu, threads, cold)


def identify(fingerprint: str, sizes: Sizes, target: str, machine: Machine, cold: bool = False) -> Identity:
    """The identity of measurements made here and now."""
    return Identity(
        fingerprint, sizes_digest(sizes.to_json()), target, HALIDE_VERSION, machine.cpu, machine.cores, cold
    )


def sizes_digest(sizes: Mapping[str, Any]) -> str:
    """A digest of sizes, as `Sizes.to_json` gives them."""
    return hashlib.sha256(json.dumps(sizes, sort_keys=True).encode()).hexdigest()[:16]

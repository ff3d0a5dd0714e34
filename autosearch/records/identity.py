"""What makes two measurements comparable: the same pipeline at the same sizes, target, machine and Halide."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from autosearch.errors import LogError
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
        try:
            texts = [content[name] for name in ("pipeline", "sizes", "target", "halide", "cpu")]
            threads, cold = content["threads"], content.get("cold", False)
        except (TypeError, KeyError, AttributeError) as error:
            raise LogError(f"a record's identity lacks {error}") from None
        if (
            not all(isinstance(text, str) for text in texts)
            or not isinstance(threads, int)
            or not isinstance(cold, bool)
        ):
            raise LogError("a record's identity holds values of the wrong type")
        pipeline, sizes, target, halide, cpu = texts
        return Identity(pipeline, sizes, target, halide, cpu, threads, cold)


def identify(fingerprint: str, sizes: Sizes, target: str, machine: Machine, cold: bool = False) -> Identity:
    """The identity of measurements made here and now."""
    return Identity(fingerprint, sizes_digest(sizes), target, HALIDE_VERSION, machine.cpu, machine.cores, cold)


def sizes_digest(sizes: Sizes) -> str:
    """A digest of sizes."""
    return hashlib.sha256(json.dumps(sizes.to_json(), sort_keys=True).encode()).hexdigest()[:16]

"""The names that `import autosearch` offers."""

from __future__ import annotations

import pytest

import autosearch
import autosearch.replayer
import autosearch.tuner


def test_the_public_names_are_functions_whatever_was_imported_before() -> None:
    assert autosearch.tune is autosearch.tuner.tune and autosearch.replay is autosearch.replayer.replay
    assert all(callable(getattr(autosearch, name)) for name in autosearch.__all__)
    with pytest.raises(AttributeError, match="no attribute 'tun'"):
        autosearch.tun  # noqa: B018

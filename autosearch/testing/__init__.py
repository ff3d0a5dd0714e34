"""What every implementation of AutoSearch's protocols must do, as tests that anybody can run over his own.

`RunnerSuite` is for devices and their runners. Needs pytest.
"""

from autosearch.testing.runners import RunnerSuite

__all__ = ["RunnerSuite"]

"""What every implementation of AutoSearch's protocols must do, as tests that anybody can run over his own.

`RunnerSuite` is for devices and their runners, `StrategySuite` for search strategies. Needs pytest.
"""

from autosearch.testing.runners import RunnerSuite
from autosearch.testing.strategies import StrategySuite

__all__ = ["RunnerSuite", "StrategySuite"]

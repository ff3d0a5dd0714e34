"""Every error a user can meet. Each message is one sentence that says what to do."""

from __future__ import annotations


class AutoSearchError(Exception):
    """Base of all errors that AutoSearch raises on purpose."""


class PipelineError(AutoSearchError):
    """The pipeline given can't be loaded, read or compiled."""


class SizeError(AutoSearchError):
    """The sizes to tune for are missing, contradictory or not usable."""


class InputError(AutoSearchError):
    """An input array or scalar doesn't fit the pipeline."""


class TargetError(AutoSearchError):
    """The target is misspelt or can't be run on this machine."""


class ArgumentError(AutoSearchError):
    """An argument has a value that makes no sense (trials=0, an unknown strategy, ...)."""


class ScheduleError(AutoSearchError):
    """A schedule is malformed, or can't be applied to this pipeline."""


class InfeasibleError(ScheduleError):
    """The knobs of a template don't go together, or make what doesn't fit the pipeline: another combination is drawn."""


class MismatchError(ScheduleError):
    """A log or schedule belongs to another algorithm; the message names what differs."""


class LogError(AutoSearchError):
    """A tuning log can't be read or written."""


class ExportError(AutoSearchError):
    """A result can't be written in the form or at the place asked for."""


class ToolchainError(AutoSearchError):
    """A C++ compiler is needed and isn't there, or fails."""


class MeasureError(AutoSearchError):
    """Nothing could be measured: no reference output, or the workers can't run."""


class BaselineFailed(AutoSearchError, KeyError):
    """A baseline was asked for that could not be measured; the message says why. A `KeyError`, so that `get` works."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

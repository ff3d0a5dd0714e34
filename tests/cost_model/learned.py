"""Times and failures made up from schedules of the sample `sharpen`, for what learns from them."""

from __future__ import annotations

from autosearch.choices import Proposal
from autosearch.cost_model.features import NAMES
from autosearch.cost_model.learner import Learner
from autosearch.schedule.schedule import Schedule


def made_up_seconds(learner: Learner, schedule: Schedule) -> float:
    """The work of all stages over vectors and cores, and what they read."""
    rows = learner.features([schedule])[0]
    core_work, traffic = rows[:, NAMES.index("core_work")], rows[:, NAMES.index("read_traffic")]
    return float((2.0**core_work + 0.3 * 2.0**traffic).sum()) * 1e-9


def gray_at_root(one: Proposal) -> bool:
    """Whether `gray` is computed at root."""
    return ["gray", "compute_root"] in one.schedule.to_json()

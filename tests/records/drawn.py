"""Hypothesis strategies for records of every kind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from autosearch.choices import Trace
from autosearch.records.identity import Identity
from autosearch.records.record import PipelineRecord, RaceRecord, TrialRecord
from autosearch.schedule.schedule import Schedule
from tests.conftest import random_proposal
from tests.made import ROOT, TILED

TEXT = st.text(max_size=12)
IDENTITIES = st.builds(Identity, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(1, 256))
TIMES = st.floats(1e-9, 1e6)
SCHEDULES = st.sampled_from([None, Schedule(), ROOT, TILED, *(random_proposal("matmul", n).schedule for n in range(4))])
TRACES = st.none() | st.dictionaries(TEXT, st.integers(-(2**40), 2**40) | TEXT, max_size=4).map(
    lambda answers: Trace(tuple(answers.items()))
)
PIPELINES = st.builds(
    PipelineRecord,
    TEXT,
    TEXT,
    st.dictionaries(TEXT, TEXT, max_size=3),
    st.dictionaries(TEXT, st.integers(-(2**63), 2**63) | TEXT, max_size=3),
)
TRIALS = st.builds(
    TrialRecord,
    IDENTITIES,
    TEXT,
    SCHEDULES,
    TRACES,
    st.lists(TIMES, max_size=5).map(tuple),
    TEXT,
    TEXT,
    st.integers(0, 10**6).map(lambda n: n / 10**4),  # kept to a tenth of a millisecond
    st.integers(0, 10**6).map(lambda n: n / 10**3),  # kept to a millisecond
    st.integers(0, 2**31),
    TEXT,
    TEXT,
    st.none() | TIMES,
).flatmap(
    lambda record: st.sampled_from([(), tuple(0.5 + place for place in range(len(record.times)))]).map(
        lambda paces: replace(record, paces=paces)
    )
)


def names_differ(record: RaceRecord) -> bool:
    """Whether each contender has a name of its own, as in every race that was run."""
    return len(dict(record.contenders)) == len(record.contenders)


CONTENDERS = st.lists(st.tuples(TEXT, SCHEDULES), max_size=4).map(tuple)
RACES = st.tuples(CONTENDERS, st.integers(0, 4)).flatmap(
    lambda t: st.builds(
        RaceRecord,
        IDENTITIES,
        st.just(t[0]),
        st.tuples(*[st.tuples(*[st.none() | TIMES] * t[1])] * len(t[0])),
        st.integers(0, 10**6).map(lambda n: n / 10**3),
        st.integers(0, 10**6),
    )
).flatmap(
    lambda record: st.sampled_from([{}, {
        name: tuple((0.5, 1e-3) for one in row if one is not None)
        for (name, _), row in zip(record.contenders, record.samples, strict=True)
    }]).map(lambda by_size: replace(record, by_size=by_size) if names_differ(record) else record)
)  # fmt: skip
RECORDS = PIPELINES | TRIALS | RACES

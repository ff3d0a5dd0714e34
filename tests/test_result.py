"""Results: what they say follows from the records alone, and what they do to pipelines is what they say."""

from __future__ import annotations

from collections.abc import Callable

import halide as hl
import numpy as np
import pytest

from autosearch.errors import AutoSearchError, BaselineFailed, MeasureError, MismatchError, ScheduleError
from autosearch.measure.statistics import Ratio
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.made import ROOT, TILED, blur_race, blur_records, race, result_of, trial
from tests.samples import SAMPLES, blur, matmul

PLAIN = Result(snapshot_of("blur"), str(TARGET), blur_records(), None)
RACED = Result(snapshot_of("blur"), str(TARGET), blur_records(), blur_race())


def test_without_a_race_the_fastest_trial_is_best() -> None:
    assert PLAIN.best == TILED and PLAIN.best_time == 2e-3
    assert dict(PLAIN.baselines) == {"root": 4.1e-3, "default": 8e-3} and PLAIN.best_baseline == "root"
    assert PLAIN.speedup("default").value == 4.0


def test_the_race_decides() -> None:
    assert RACED.best == TILED and RACED.best_time == 2e-3
    assert RACED.baselines["root"] == 4e-3 and RACED.baselines["default"] == 8e-3  # the latter didn't take part
    assert RACED.speedup("root") == Ratio(2.0, 2.0, 2.0)  # pair by pair, though both varied
    lucky = race("blur", {"root": (ROOT, (1e-3, 1e-3)), "found 1": (TILED, (2e-3, 2e-3))})
    assert Result(snapshot_of("blur"), str(TARGET), blur_records(), lucky).best == ROOT


def test_a_race_that_nobody_finished_decides_nothing() -> None:
    nobody = race("blur", {"root": (ROOT, (None, None)), "found 1": (TILED, (None, None))})
    result = Result(snapshot_of("blur"), str(TARGET), blur_records(), nobody)
    assert result.best == TILED and result.baselines["root"] == 4.1e-3 and result.speedup("root").value > 2.0
    assert "over root" in result.summary()


def test_a_baseline_that_wins_is_the_result() -> None:
    """Never worse than what there was."""
    records = (trial("blur", ROOT, 1e-3, baseline="root"), trial("blur", TILED, 2e-3))
    result = Result(snapshot_of("blur"), str(TARGET), records, None)
    assert result.best == ROOT and result.speedup("root").value == 1.0
    assert "no significant difference" in result.summary()


def test_failed_baselines_say_why() -> None:
    baselines = PLAIN.baselines
    assert baselines.failures == {"Li2018": "crash: killed by SIGSEGV"}
    assert "Li2018" not in baselines and len(baselines) == 2 and baselines.get("Li2018") is None
    for attempt in (lambda: baselines["Li2018"], lambda: PLAIN.speedup("Li2018")):
        with pytest.raises(BaselineFailed, match="Li2018 could not be measured: crash: killed by SIGSEGV") as raised:
            attempt()
        assert isinstance(raised.value, (AutoSearchError, KeyError))
    with pytest.raises(KeyError, match="nobody"):
        PLAIN.speedup("nobody")
    assert "root: 4.1 ms" in repr(baselines) and "Li2018: failed" in repr(baselines)


def test_the_summary_says_it_all() -> None:
    assert RACED.summary().splitlines() == [
        "best of 3 trials (1 failed): 2 ms",
        "      2.00x [2.00, 2.00] over root (4 ms)",
        "      4.00x [3.64, 4.31] over default (8 ms)",
        "  Li2018 failed: crash: killed by SIGSEGV",
    ]
    assert RACED.summary() in repr(RACED)


def test_trials_as_a_table() -> None:
    table = PLAIN.trials
    assert list(table.trial) == list(range(6))
    assert list(table.source[:3]) == ["baseline: root", "baseline: default", "baseline: Li2018"]
    assert list(table.best) == pytest.approx([4.1e-3, 4.1e-3, 4.1e-3, 3.05e-3, 3.05e-3, 2e-3])
    assert list(table.seconds.isna()) == [False, False, True, False, True, False]
    assert table.failure[4] == "run-timeout" and table.message[4] == "no end after 2 s"
    assert table.digest[5] == TILED.digest and ".parallel(yo)" in table.schedule[5]
    empty = Result(snapshot_of("blur"), str(TARGET), (), None).trials
    assert len(empty) == 0 and list(empty.columns) == list(table.columns)


def test_nothing_measured_is_an_error() -> None:
    failed = (trial("blur", TILED, failure="wrong"), trial("blur", None, 1.0, baseline="Adams2019"))
    with pytest.raises(MeasureError, match="no schedule could be measured"):
        Result(snapshot_of("blur"), str(TARGET), failed, None).best  # noqa: B018


def _funcs(name: str) -> list[hl.Func]:
    made = SAMPLES[name]()
    return made if isinstance(made, list) else [made]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("name", "inputs", "types"),
    [
        ("blur", {"image": np.arange(66 * 98, dtype=np.uint16).reshape(66, 98)}, ["u2"]),
        ("tuples", {"image": np.arange(64 * 96, dtype=np.int32).reshape(64, 96), "gain": 2.5}, ["i4", "f4"]),
    ],
)
def test_kernels_compute_what_the_users_pipeline_does(name: str, inputs: dict[str, object], types: list[str]) -> None:
    """Compiled from the result, or from the user's own pipeline with the schedule on it."""
    result = result_of(name, random_proposal(name, 5).schedule)
    plain, scheduled = _funcs(name), _funcs(name)
    result.apply(scheduled)
    outputs = []
    for kernel in (_kernel(plain, inputs), _kernel(scheduled, inputs), result.compile()):
        outputs.append([np.zeros((64, 96), kind) for kind in types])
        kernel(*inputs.values(), *outputs[-1])
    for one, other, third in zip(*outputs, strict=True):
        assert one.any() and np.array_equal(one, other) and np.array_equal(one, third)


def _kernel(funcs: list[hl.Func], inputs: dict[str, object]) -> Callable[..., int]:
    pipeline = hl.Pipeline(funcs)
    arguments = pipeline.infer_arguments()
    assert [argument.name for argument in arguments] == list(inputs)
    kernel: Callable[..., int] = pipeline.compile_to_callable(arguments, TARGET)
    return kernel


def test_apply_takes_what_can_be_scheduled() -> None:
    for given in (blur(), [blur()], hl.Pipeline([blur()])):
        PLAIN.apply(given)
        with pytest.raises(ScheduleError, match="already carries a schedule"):
            PLAIN.apply(given)
    for given in (blur, "blur.hlpipe", None):
        with pytest.raises(ScheduleError, match="needs the object to schedule"):
            PLAIN.apply(given)


def test_apply_refuses_another_algorithm_and_leaves_it_alone() -> None:
    other = matmul()
    with pytest.raises(MismatchError, match=r"another algorithm: .*'product'"):
        PLAIN.apply(other)
    result_of("matmul", Schedule()).apply(other)  # it is still without a schedule

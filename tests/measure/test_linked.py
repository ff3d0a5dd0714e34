"""Kernels linked as what is shipped compute what those compiled in memory do, and fail as they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autosearch.baselines import root_schedule
from autosearch.errors import ToolchainError
from autosearch.finalists import Contender, run_race
from autosearch.measure.kernel import compile_pipeline
from autosearch.measure.linked import LinkedKernel, Runtime, runtime
from autosearch.measure.protocol import Candidate, Failure
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, snapshot_of
from tests.measure.local_runner import ONCE, local_runner


@pytest.fixture(scope="module")
def loaded() -> Runtime:
    return Runtime(runtime(str(TARGET)))


@pytest.mark.parametrize("sample", ["blur", "tuples", "pyramid", "histogram"])
def test_it_is_right_where_the_same_schedule_compiled_in_memory_is(sample: str) -> None:
    with local_runner(sample) as runner:
        (built,) = runner.build([Candidate(root_schedule(snapshot_of(sample).algorithm))])
        timed = runner.run(built, ONCE)
        assert (timed.failure, timed.message, timed.checked) == (None, "", True)


def test_its_errors_are_told_as_halide_tells_them() -> None:
    rounded_up = Schedule.from_json([["blur_y", "split", "x", "xo", "xi", 64, "RoundUp"]])
    with local_runner("blur") as runner:
        (built,) = runner.build([Candidate(rounded_up)])
        timed = runner.run(built, ONCE)
        assert timed.failure is Failure.BOUNDS and "is accessed at" in timed.message
        (illegal,) = runner.build([Candidate(Schedule.from_json([["nobody", "compute_root"]]))])
        assert illegal.failure is Failure.ILLEGAL


def test_a_race_says_that_its_contenders_were_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = [Contender("root", Candidate(root_schedule(snapshot_of("blur").algorithm)), None)]
    with local_runner("blur") as runner:
        assert run_race(runner, contenders, 0.01, 0).linked
    monkeypatch.setenv("CXX", "no-such-compiler")
    with local_runner("blur") as runner:
        assert not run_race(runner, contenders, 0.01, 0).linked


def test_what_several_processes_want_is_compiled_in_one() -> None:
    tiled = Candidate(Schedule.from_json([["blur_y", "split", "y", "yo", "yi", 8, "GuardWithIf"]]))
    root = Candidate(root_schedule(snapshot_of("blur").algorithm))
    nobody = Candidate(Schedule.from_json([["nobody", "compute_root"]]))
    with local_runner("blur", workers=2) as runner:
        built = runner.build([tiled, tiled, nobody, nobody, root, root], [0, 1] * 3)
        assert [(one.place, one.failure) for one in built] == [
            (0, None), (1, None), (0, Failure.ILLEGAL), (1, Failure.ILLEGAL), (0, None), (1, None)
        ]  # fmt: skip
        for one in built:
            timed = runner.run(one, ONCE)
            assert one.failure is Failure.ILLEGAL or (one.linked and timed.checked and timed.failure is None)
        first, second = map(_kernels_of, runner.processes())
        assert len(first) == 2 and first == second


def test_what_is_held_is_compiled_no_more_also_where_the_process_is_gone() -> None:
    root = Candidate(root_schedule(snapshot_of("blur").algorithm))
    with local_runner("blur", workers=2) as runner:
        (held,) = runner.build([root], [0])
        libraries = _kernels_of(runner.processes()[0])
        runner.reset()
        assert runner.run(held, ONCE).checked and _kernels_of(runner.processes()[0]) <= libraries
        (other,) = runner.build([root], [1])
        assert runner.run(other, ONCE).checked and _kernels_of(runner.processes()[1]) <= libraries


def test_what_is_released_is_unloaded() -> None:
    tiled = Candidate(Schedule.from_json([["blur_y", "split", "y", "yo", "yi", 8, "GuardWithIf"]]))
    with local_runner("blur") as runner:
        process, open_files = runner.processes()[0], len(os.listdir("/proc/self/fd"))
        before, files = _kernels_of(process), len(os.listdir(f"/proc/{process}/fd"))
        for _ in range(3):
            built = runner.build([tiled, tiled])
            assert all(runner.run(one, ONCE).checked for one in built)
            assert len(_kernels_of(process)) == len(before) + 1
            runner.release(built)
        assert _kernels_of(process) == before
        assert len(os.listdir(f"/proc/{process}/fd")) == files and len(os.listdir("/proc/self/fd")) == open_files


def _kernels_of(process: int) -> set[str]:
    """The files in memory, by their numbers, that kernels of a process were loaded from."""
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    return {line.split()[4] for line in lines if "memfd:kernel.so" in line}


def scheduled(snapshot: Snapshot) -> object:
    pipeline = snapshot.fresh()
    apply(root_schedule(snapshot.algorithm), pipeline, snapshot.algorithm)
    return pipeline


def test_where_there_is_no_compiler_it_is_compiled_in_memory(loaded: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = scheduled(snapshot_of("blur"))
    arguments = pipeline.infer_arguments()  # type: ignore[attr-defined]
    assert isinstance(compile_pipeline(pipeline, arguments, str(TARGET), loaded), LinkedKernel)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not isinstance(compile_pipeline(pipeline, arguments, str(TARGET), loaded), LinkedKernel)


def test_what_another_process_made_is_compiled_anew_where_it_is_gone(loaded: Runtime, tmp_path: Path) -> None:
    pipeline = scheduled(snapshot_of("blur"))
    arguments = pipeline.infer_arguments()  # type: ignore[attr-defined]
    made = compile_pipeline(pipeline, arguments, str(TARGET), loaded)
    again = compile_pipeline(pipeline, arguments, str(TARGET), loaded, made.library)
    assert again.library == made.library
    gone = str(tmp_path / "gone.so")
    with pytest.raises(ToolchainError, match="can't load a kernel"):
        loaded.load(gone, arguments)
    anew = compile_pipeline(pipeline, arguments, str(TARGET), loaded, gone)
    assert isinstance(anew, LinkedKernel) and anew.library not in ("", made.library, gone)


def test_a_failed_link_leaves_no_open_file(loaded: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = scheduled(snapshot_of("blur"))
    before = os.listdir("/proc/self/fd")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolchainError, match="no C\\+\\+ compiler"):
        loaded.link(pipeline, pipeline.infer_arguments(), TARGET)  # type: ignore[attr-defined]
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_is_no_library_is_told(tmp_path: Path) -> None:
    (tmp_path / "runtime.so").write_bytes(b"nonsense")
    with pytest.raises(ToolchainError, match="can't load Halide's runtime"):
        Runtime(str(tmp_path / "runtime.so"))

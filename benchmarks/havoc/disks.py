"""A disk that fills up, and a log that can't be written any more, in the middle of a run."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autosearch.records.log import read_log
from benchmarks.bars import Bar
from benchmarks.havoc.processes import abandoned, doubled, finish, orphans, searched, start, wait_for_line

ENDLESS = 1_000_000
SMALL, LARGER = "size=64k", "size=16m"


def run() -> list[Bar]:
    """Both scenarios."""
    return [*full_disk(), *unwritable()]


def full_disk() -> list[Bar]:
    """The log lies on a small tmpfs. The run must end with a sentence; with room again, the same command goes on."""
    before = abandoned()
    with tempfile.TemporaryDirectory() as folder, _small_disk(Path(folder) / "disk") as (disk, make_room):
        log, scratch = disk / "blur.jsonl", Path(folder) / "tmp"
        status, _, err = finish(start(log, ENDLESS, scratch))
        print(f"full disk: exit status {status}: {err.strip()}", flush=True)
        there, count = log.read_bytes(), len(searched(read_log(log)))
        clear = status == 1 and len(err.strip().splitlines()) == 1 and "Traceback" not in err
        make_room()
        again, _, err = finish(start(log, count + 8, scratch))
        kept = log.read_bytes().startswith(there)
        print(f"with room again: exit status {again}, {len(searched(read_log(log)))} trials {err.strip()}", flush=True)
        return [
            Bar("full disk: one sentence and exit status 1", float(clear), 1),
            Bar("full disk: trials before it that are kept", float(kept and count > 0), 1),
            Bar("full disk: with room again the same command goes on", float(again == 0), 1),
            Bar("full disk: doubled records", doubled(log), 0, False),
            Bar("full disk: processes and files left behind", orphans(before) + len(list(scratch.iterdir())), 0, False),
        ]


def unwritable() -> list[Bar]:
    """From some trial on every write to the log fails."""
    before = abandoned()
    with tempfile.TemporaryDirectory() as folder:
        log, scratch = Path(folder) / "blur.jsonl", Path(folder) / "tmp"
        process = start(log, ENDLESS, scratch)
        wait_for_line(log, '"kind":"trial"', 5, process)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, log.stat().st_size))
        status, _, err = finish(process)
        print(f"unwritable log: exit status {status}: {err.strip()}", flush=True)
        clear = status == 1 and len(err.strip().splitlines()) == 1 and "Traceback" not in err
        kept = len(searched(read_log(log)))
        return [
            Bar("unwritable log: one sentence and exit status 1", float(clear), 1),
            Bar("unwritable log: trials before it that are kept", kept, 5),
            Bar("unwritable log: left behind", orphans(before) + len(list(scratch.iterdir())), 0, False),
        ]


@contextmanager
def _small_disk(path: Path) -> Iterator[tuple[Path, Callable[[], object]]]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", str(path)], check=True)
    try:
        yield path, lambda: subprocess.run(["mount", "-o", f"remount,{LARGER}", str(path)], check=True)
    finally:
        subprocess.run(["umount", str(path)], check=True)

"""A sweep that is killed, interrupted or asked again repeats nothing and leaves nothing half."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from edgeq.sweep.plan import plan_sweep
from edgeq.sweep.records import CellRecord
from edgeq.sweep.store import read_journal
from tests.support.sweeps import (
    count_cells,
    kill_hard,
    start_sweep,
    starts,
    wait_for_cells,
    workers_of,
    write_sweep,
)

SEEDS = "\n".join(
    f'[[options]]\nname = "seed{i}"\ninput = "lcg:{i}"\nstack_bytes = {4096 + 256 * (i % 2)}'
    for i in range(1, 5)
)

needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc (Linux)")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that holds every temporary file of the sweeps that a test starts."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def wait_until_gone(scratch: Path) -> None:
    deadline = time.monotonic() + 30
    while workers_of(scratch) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers_of(scratch) == []


@needs_proc
def test_a_killed_sweep_resumes_without_repeating_finished_work(
    tmp_path: Path, scratch: Path
) -> None:
    manifest = write_sweep(tmp_path, action="estimate", boards="*")
    out, cells = tmp_path / "out", len(plan_sweep(manifest).cells)
    with start_sweep(manifest, out, "--jobs", "2") as child:
        wait_for_cells(child, out, 5)
        kill_hard(child.pid)
        child.wait(30.0)
    wait_until_gone(scratch)
    finished = {path.stem: path.read_bytes() for path in (out / "cells").glob("*.json")}
    assert 5 <= len(finished) < cells
    for key, text in finished.items():
        assert msgspec.json.decode(text, type=CellRecord).key == key
    before = starts(out)

    with start_sweep(manifest, out, "--jobs", "2") as child:
        code = child.wait(240.0)
    assert code == 0, child.last_words()
    assert count_cells(out) == cells
    again = starts(out) - before
    assert not finished.keys() & again.keys()
    assert {p.stem: p.read_bytes() for p in (out / "cells").glob("*.json")}.items() >= (
        finished.items()
    )
    # Only what was in work when the sweep died, at most one a process, ran twice.
    assert sum(starts(out).values()) - len(starts(out)) <= 2


@needs_proc
def test_an_interrupted_sweep_exits_130_with_what_it_finished(
    tmp_path: Path, scratch: Path
) -> None:
    manifest, out = write_sweep(tmp_path, SEEDS), tmp_path / "out"
    with start_sweep(manifest, out, "--jobs", "1") as child:
        wait_for_cells(child, out, 1)
        os.kill(child.pid, signal.SIGINT)
        code = child.wait(30.0)
    assert code == 130, child.last_words()
    assert "interrupted: what is finished is kept" in child.last_words()
    wait_until_gone(scratch)
    assert 1 <= count_cells(out) < 4
    assert list(scratch.iterdir()) == []


def test_a_finished_sweep_runs_nothing_again_and_writes_the_same(tmp_path: Path) -> None:
    from edgeq import api

    seeds = "\n".join(f'[[options]]\nname = "seed{i}"\ninput = "lcg:{i}"' for i in (1, 2))
    manifest, out = write_sweep(tmp_path, seeds), tmp_path / "out"
    first = api.sweep(manifest, out=out, jobs=1)
    files = {p: p.read_bytes() for p in out.iterdir() if p.suffix in (".json", ".csv", ".html")}
    events = read_journal(out)
    second = api.sweep(manifest, out=out, jobs=1)
    assert first.tally.kept == 0
    assert first.tally.started == {"build": 1, "bench": 2}
    assert (second.tally.kept, sum(second.tally.started.values())) == (2, 0)
    assert read_journal(out) == events
    assert {p: p.read_bytes() for p in files} == files
    results = sorted((out / "results").iterdir())
    assert [p.name for p in results] == ["net0,virt-m4,seed1.json", "net0,virt-m4,seed2.json"]
    assert api.check(results, limits={"latency": 1.0}).passed
    assert api.sweep(manifest, out=out, jobs=1, fresh=True).tally.kept == 0
    assert {p: p.read_bytes() for p in files} == files


@needs_proc
@pytest.mark.slow
def test_thirty_kills_leave_whole_files_and_repeat_nothing_finished(
    tmp_path: Path, scratch: Path
) -> None:
    manifest = write_sweep(tmp_path, models=2, action="estimate", boards="*")
    out, cells = tmp_path / "out", len(plan_sweep(manifest).cells)
    places = random.Random(1).sample(range(1, cells), 30)
    for place in sorted(places):
        with start_sweep(manifest, out, "--jobs", "2") as child:
            wait_for_cells(child, out, place)
            kill_hard(child.pid)
            child.wait(30.0)
        for path in (out / "cells").glob("*.json"):
            assert msgspec.json.decode(path.read_bytes(), type=CellRecord).key == path.stem
    with start_sweep(manifest, out) as child:
        assert child.wait(240.0) == 0, child.last_words()
    done = Counter(e.key for e in read_journal(out) if e.event == "done")
    assert count_cells(out) == cells
    # A sweep may be killed after it saved a cell and before it noted that.
    assert len(done) >= cells - len(places)
    assert set(done.values()) == {1}
    assert sum(starts(out).values()) <= cells + 2 * len(places)
    wait_until_gone(scratch)
    assert list(out.rglob(".*")) == []

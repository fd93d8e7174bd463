"""The same sweep on a Dask cluster of two workers: the same table, byte for byte."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from edgeq import api
from edgeq.core.errors import DeviceError, UsageError
from edgeq.sweep.manifest import Limits
from edgeq.sweep.schedulers import open_scheduler
from tests.support.dask_cluster import dask_cluster
from tests.support.sweeps import (
    count_cells,
    find_process,
    kill_hard,
    start_sweep,
    wait_for_cells,
    write_sweep,
)

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="distributed is not installed"
)
OPTIONS = "\n".join(f'[[options]]\nname = "seed{i}"\ninput = "lcg:{i}"' for i in range(1, 4))


@needs_dask
@pytest.mark.slow
def test_two_workers_give_the_same_bytes_as_this_machine(tmp_path: Path) -> None:
    manifest = write_sweep(tmp_path, OPTIONS, models=2, boards="virt-m4 virt-m0plus")
    here = api.sweep(manifest, out=tmp_path / "here", jobs=2)
    with dask_cluster(tmp_path) as address:
        there = api.sweep(manifest, out=tmp_path / "there", scheduler=address)
    assert there.tally.started == here.tally.started == {"build": 4, "bench": 12}
    for name in ("sweep.json", "sweep.csv", "sweep.html"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


@needs_dask
def test_a_scheduler_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgeq.sweep.schedulers.CONNECT_S", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeviceError, match="no Dask scheduler answers"):
            open_scheduler(address, jobs=None, limits=Limits())


@pytest.mark.parametrize(
    "address",
    ["", "cluster:8786", "tcp://", "tcp://-oProxyCommand=x:1", "http://a:1", "tcp://a:1/../x",
     "tcp://a b:1", "inproc://x", "tcp://a:1\n"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        open_scheduler(address, jobs=None, limits=Limits())


def test_a_cluster_takes_neither_jobs_nor_boards_of_this_computer() -> None:
    with pytest.raises(UsageError, match="--jobs is for this computer"):
        open_scheduler("tcp://127.0.0.1:1", jobs=2, limits=Limits())
    with pytest.raises(UsageError, match="a cluster does not reach"):
        open_scheduler("tcp://127.0.0.1:1", jobs=None, limits=Limits(), attached=True)


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_dies_ends_the_sweep_with_5_and_another_goes_on(tmp_path: Path) -> None:
    seeds = "\n".join(f'[[options]]\nname = "seed{i}"\ninput = "lcg:{i}"' for i in range(1, 9))
    manifest, out = write_sweep(tmp_path, seeds), tmp_path / "out"
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
    with (
        dask_cluster(tmp_path / "first") as address,
        start_sweep(manifest, out, "--scheduler", address) as child,
    ):
        wait_for_cells(child, out, 2)
        kill_hard(find_process(tmp_path / "first" / "scheduler.json"))
        code = child.wait(120.0)
        assert code == 5, child.last_words()
        assert "hint: start it again and resume the sweep" in child.last_words()
    finished = {path.name: path.read_bytes() for path in (out / "cells").glob("*.json")}
    assert 2 <= len(finished) < 8
    with dask_cluster(tmp_path / "second") as address:
        done = api.sweep(manifest, out=out, scheduler=address)
    assert (done.tally.kept, done.passed) == (len(finished), True)
    cells = {path.name: path.read_bytes() for path in (out / "cells").glob("*.json")}
    assert cells.items() >= finished.items()


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_does_its_work_on_the_other(tmp_path: Path) -> None:
    manifest, out = write_sweep(tmp_path, OPTIONS), tmp_path / "out"
    with (
        dask_cluster(tmp_path) as address,
        start_sweep(manifest, out, "--scheduler", address) as child,
    ):
        wait_for_cells(child, out, 1)
        kill_hard(find_process(tmp_path / "worker0"))
        code = child.wait(240.0)
        assert code == 0, child.last_words()
    assert count_cells(out) == 3

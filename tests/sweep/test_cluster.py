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
from tests.support.sweeps import write_sweep

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


def test_a_cluster_takes_neither_jobs_nor_ports_of_this_computer() -> None:
    with pytest.raises(UsageError, match="--jobs is for this computer"):
        open_scheduler("tcp://127.0.0.1:1", jobs=2, limits=Limits())
    with pytest.raises(UsageError, match="a cluster does not reach"):
        open_scheduler("tcp://127.0.0.1:1", jobs=None, limits=Limits(), ports=True)

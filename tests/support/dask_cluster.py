"""A Dask cluster of this machine for tests: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edgeq.core.processes import Child, spawn

START_S = 120.0
QUIET = {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Start a scheduler and `workers` workers of one thread; give the scheduler's address."""
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        stack.enter_context(
            _dask("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard",
                  "--scheduler-file", str(file))
        )  # fmt: skip
        address = _wait_for_address(file)
        for number in range(workers):
            place = folder / f"worker{number}"
            stack.enter_context(
                _dask("worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny",
                      "--local-directory", str(place))
            )  # fmt: skip
        _wait_for_workers(address, workers)
        yield address


def _dask(*words: str) -> Child:
    return spawn([sys.executable, "-m", "dask", *words], env=QUIET)


def _wait_for_address(file: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise AssertionError("the Dask scheduler did not start")


def _wait_for_workers(address: str, count: int) -> None:
    import distributed

    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=START_S)

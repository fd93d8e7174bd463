"""Who does the work: children of this process, or a Dask cluster. One row a scheme of address."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Protocol

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.installation import require
from edgeq.sweep.manifest import Limits
from edgeq.sweep.workers import Worker

CONNECT_S = 15
HIGHEST_PORT = 65_535
ADDRESS = re.compile(
    r"(tcp|tls)://([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9a-f:]{2,39}\]):(?P<port>[0-9]{1,5})\Z"
)


class Promise(Protocol):
    """An answer that comes later, as `concurrent.futures` and Dask have it."""

    def result(self) -> bytes:
        """Return the answer, or raise what went wrong."""

    def add_done_callback(self, call: Callable[[Any], object], /) -> object:
        """Have `call` called with the promise, from any thread, when it is done."""


class Scheduler(Protocol):
    """Does encoded jobs."""

    def slots(self) -> int:
        """Return how many jobs can run at once now."""

    def submit(self, message: bytes) -> Promise:
        """Start an encoded job."""

    def close(self) -> None:
        """Drop what is not done, and end what runs here."""


class LocalScheduler:
    """`jobs` child processes of this one."""

    def __init__(self, jobs: int, limits: Limits, module: str = "edgeq.sweep.worker") -> None:
        self._workers = [Worker(limits, module) for _ in range(jobs)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(jobs)

    def slots(self) -> int:
        """Return the number of children."""
        return len(self._workers)

    def submit(self, message: bytes) -> Promise:
        """Hand the job to the next idle child."""
        return self._threads.submit(self._ask, message)

    def _ask(self, message: bytes) -> bytes:
        worker = self._idle.get()
        try:
            return worker.ask(message)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End every child, also those that work."""
        with ThreadPoolExecutor(len(self._workers)) as pool:
            list(pool.map(Worker.close, self._workers))
        self._threads.shutdown(cancel_futures=True)


def run_job(message: bytes, limits: tuple[float, float]) -> bytes:
    """Do one encoded job in a child of this process: the only function that a cluster runs."""
    worker = Worker(Limits(seconds=limits[0], memory_gib=limits[1]))
    try:
        return worker.ask(message)
    finally:
        worker.close()


class DaskScheduler:
    """A cluster of Dask distributed. It is trusted: whoever reaches it can run code there.

    Raises:
        ToolchainError: distributed is not installed.
        DeviceError: no scheduler answers, or it has no worker.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        require("distributed")
        import distributed

        self._limits = (limits.seconds, limits.memory_gib)
        client: Any = distributed.Client
        try:
            self._client = client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise DeviceError(
                f"no Dask scheduler answers at {address}: {error}",
                hint="start one: dask scheduler; then on each machine: dask worker ADDRESS",
            ) from error
        if self.slots() == 0:
            self.close()
            raise DeviceError(
                f"the Dask scheduler at {address} has no worker",
                hint=f"start one on each machine: dask worker {address}",
            )

    def slots(self) -> int:
        """Return the threads of all workers that are there now."""
        try:
            return sum(self._client.nthreads().values())
        except OSError as error:
            raise DeviceError(
                f"the Dask scheduler is gone: {error}",
                hint="start it again and resume the sweep",
            ) from error

    def submit(self, message: bytes) -> Promise:
        """Send the job to the cluster."""
        promise: Promise = self._client.submit(run_job, message, self._limits, pure=False)
        return promise

    def close(self) -> None:
        """Leave the cluster; what it still does for us is cancelled."""
        self._client.close()


def open_scheduler(
    address: str | None, *, jobs: int | None, limits: Limits, attached: bool = False
) -> Scheduler:
    """Return the scheduler at an address, or, for None, `jobs` processes of this computer.

    Args:
        attached: boards or meters are attached to this computer.

    Raises:
        UsageError: it is no address, or `jobs` or `attached` is given with one.
    """
    if address is None:
        return LocalScheduler(jobs or os.cpu_count() or 1, limits)
    found = ADDRESS.match(address)
    if not found or not 0 < int(found["port"]) <= HIGHEST_PORT:
        raise UsageError(
            f"scheduler {address!r} is no address", hint="for example tcp://cluster:8786"
        )
    if jobs is not None:
        raise UsageError(
            "--jobs is for this computer, a cluster has its own",
            hint="start dask worker with --nworkers and --nthreads",
        )
    if attached:
        raise UsageError(
            "the sweep has boards attached to this computer, which a cluster does not reach",
            hint="leave --scheduler away, or `attached` and its boards",
        )
    return DaskScheduler(address, limits)

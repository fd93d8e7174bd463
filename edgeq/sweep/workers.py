"""The side of a worker that asks: a child process with limits, started again when it is gone."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from pathlib import Path

from edgeq.core.errors import ToolchainError
from edgeq.core.processes import Child, TimedOut, python_argv, spawn
from edgeq.sweep.frames import Unpacker, pack
from edgeq.sweep.manifest import Limits

START_S = 60.0
GRACE_S = 1.0


class Worker:
    """One child at a time. Use it from one thread; `close` may come from another.

    Args:
        module: the child's program, which serves jobs on its stdin.
    """

    def __init__(self, limits: Limits, module: str = "edgeq.sweep.worker") -> None:
        self._limits = limits
        self._module = module
        self._child: Child | None = None
        self._scratch: Path | None = None
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, message: bytes) -> bytes:
        """Return the child's answer to an encoded job.

        Raises:
            TimedOut: there was none in time; the child is gone.
            ToolchainError: the child crashed, or this worker is closed.
        """
        child = self._start()
        try:
            child.write(pack(message))
            return self._wait(child)
        except (EOFError, ValueError) as error:
            raise self._crash(child) from error
        except TimedOut:
            self._end()
            raise

    def close(self) -> None:
        """End the child and all that it started, also in the middle of a job."""
        self._closed = True
        self._end()

    def _start(self) -> Child:
        with self._lock:
            if self._closed:
                raise ToolchainError("the sweep is over", hint="start it again to resume")
            if self._child is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="edgeq-sweep-"))
                argv = python_argv(self._module, str(self._scratch))
                self._child = spawn(argv, memory_bytes=int(self._limits.memory_gib * (1 << 30)))
            return self._child

    def _wait(self, child: Child) -> bytes:
        deadline = time.monotonic() + START_S + self._limits.seconds
        unpacker = Unpacker()
        while (left := deadline - time.monotonic()) > 0:
            unpacker.feed(child.read(min(left, 1.0)))
            if (message := unpacker.take()) is not None:
                return message
        raise TimedOut(
            f"the work did not end within {self._limits.seconds:g} s",
            hint="raise limits.seconds of the sweep, or use fewer --jobs",
        )

    def _crash(self, child: Child) -> ToolchainError:
        code, words = child.wait(GRACE_S), child.last_words().splitlines()
        self._end()
        how = f"was killed by signal {-code}" if code is not None and code < 0 else "broke off"
        last = f": {words[-1][:300]}" if words else ""
        return ToolchainError(
            f"the worker {how}{last}",
            hint="this work alone is lost; --retry-failed does it again",
        )

    def _end(self) -> None:
        with self._lock:
            child, scratch = self._child, self._scratch
            self._child = self._scratch = None
        if child is not None:
            with contextlib.suppress(Exception):
                child.hang_up()
                child.wait(GRACE_S)
            child.close()
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

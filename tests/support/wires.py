"""Wires between the host and a board that are cut after a number of bytes."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

NEVER = 1 << 62


@dataclass
class Cut:
    """Where a wire is cut: after `after` bytes towards one side. `cut_at` is when it was."""

    towards: Literal["host", "board"] = "host"
    after: int = NEVER
    cut_at: float | None = None
    passed: dict[str, int] = field(default_factory=lambda: {"host": 0, "board": 0})

    def allow(self, towards: Literal["host", "board"], data: bytes) -> bytes:
        """Return as much of `data` as still passes."""
        left = self.after - self.passed[towards] if towards == self.towards else NEVER
        self.passed[towards] += min(left, len(data))
        return data[: max(left, 0)]

    @property
    def is_due(self) -> bool:
        """Tell whether as much has passed as may."""
        return self.passed[self.towards] >= self.after


@contextmanager
def tcp_wire(board_port: int, cut: Cut) -> Iterator[str]:
    """Yield the URL of a socket with the board behind it; it takes one client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                host, _ = server.accept()
                with host:
                    _carry(host.fileno(), board_port, cut)

        with _thread(serve, lambda: server.shutdown(socket.SHUT_RDWR)):
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def pty_wire(board_port: int, cut: Cut) -> Iterator[str]:
    """Yield the path of a pseudo-terminal with the board behind it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    wake, stop = os.pipe()

    def serve() -> None:
        _carry(master, board_port, cut, wake)
        # Both handles go: to the program that has the port open this is an unplugged adapter.
        os.close(slave)
        os.close(master)

    try:
        with _thread(serve, lambda: os.close(stop)):
            yield path
    finally:
        os.close(wake)


@contextmanager
def _thread(serve: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            stop()
        thread.join(10)
        assert not thread.is_alive()


def _carry(host: int, board_port: int, cut: Cut, wake: int | None = None) -> None:
    """Carry bytes both ways until the cut, or until one side goes away."""
    with (
        socket.create_connection(("127.0.0.1", board_port)) as board,
        contextlib.suppress(OSError),
    ):
        ends = [host, board.fileno()] + ([] if wake is None else [wake])
        while not cut.is_due:
            ready = select.select(ends, [], [], 5)[0]
            if wake in ready:
                return
            for end in ready:
                data = os.read(end, 4096)
                if not data:
                    return
                into, towards = (board.fileno(), "board") if end == host else (host, "host")
                os.write(into, cut.allow(towards, data))  # type: ignore[arg-type]
    cut.cut_at = time.monotonic()


def open_handles() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


def child_pids() -> list[int]:
    """Return the processes that this process started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(path.parent.name))
    return found

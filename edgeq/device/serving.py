"""Serve a board that runs on this computer at a port, so that any program can drive it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.streams import CHUNK, Stream
from edgeq.device.virtual.gate import GateEdge
from edgeq.device.virtual.launch import VirtualStream

SLICE_S = 0.05
# Nobody who listens leaves a full pseudo-terminal for this long.
PATIENCE_S = 1.0
# How long a board may take to say its first words, and how long it is silent behind them.
START_S = 20.0
QUIET_S = 0.3


class Outlet(Protocol):
    """The end that other programs open. What arrives while nobody listens is lost."""

    name: str

    def receive(self, timeout_s: float) -> bytes:
        """Return what a program sends within `timeout_s`, as soon as anything is there."""

    def send(self, data: bytes) -> None:
        """Hand `data` on to the program that listens."""


class TcpOutlet:
    """A port of this computer, for one client at a time."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._client: socket.socket | None = None
        self.name = f"socket://127.0.0.1:{server.getsockname()[1]}"

    def receive(self, timeout_s: float) -> bytes:
        """Return what the client sends; take the next one where there is none."""
        client = self._client
        if not select.select([client or self._server], [], [], timeout_s)[0]:
            return b""
        if client is None:
            self._client, _ = self._server.accept()
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        with contextlib.suppress(OSError):
            if data := client.recv(CHUNK):
                return data
        self._client = None
        client.close()
        return b""

    def send(self, data: bytes) -> None:
        """Send `data` to the client."""
        client = self._client
        if client is not None:
            # `receive` sees that it is gone.
            with contextlib.suppress(OSError):
                client.sendall(data)

    def close(self) -> None:
        """Let the client go."""
        if self._client is not None:
            self._client.close()


class PtyOutlet:
    """A pseudo-terminal, which programs open as they do a serial port."""

    def __init__(self, master: int, name: str) -> None:
        self._master, self.name = master, name
        self._patience = PATIENCE_S

    def receive(self, timeout_s: float) -> bytes:
        """Return what is written to the terminal."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return b""
        return os.read(self._master, CHUNK)

    def send(self, data: bytes) -> None:
        """Write `data` to the terminal."""
        while data:
            if not select.select([], [self._master], [], self._patience)[1]:
                self._patience = 0.0
                return
            self._patience = PATIENCE_S
            data = data[os.write(self._master, data) :]


@contextmanager
def open_outlet(tcp: int | None) -> Iterator[Outlet]:
    """Open a TCP port of 127.0.0.1 (0: any free one), or a pseudo-terminal for None.

    Raises:
        UsageError: the port is taken, or this computer has no pseudo-terminals.
    """
    with _open_pty() if tcp is None else _open_tcp(tcp) as outlet:
        yield outlet


@contextmanager
def _open_tcp(port: int) -> Iterator[Outlet]:
    try:
        server = socket.create_server(("127.0.0.1", port), backlog=1)
    except OSError as error:
        raise UsageError(
            f"--tcp {port}: {error.strerror or error}", hint="--tcp 0 takes any free port"
        ) from error
    with server, contextlib.closing(TcpOutlet(server)) as outlet:
        yield outlet


@contextmanager
def _open_pty() -> Iterator[Outlet]:
    try:
        import tty

        master, slave = os.openpty()
    except (ImportError, AttributeError, OSError) as error:
        raise UsageError("no pseudo-terminal here", hint="--tcp PORT") from error
    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        # The slave stays open: without one, reading the master fails.
        yield PtyOutlet(master, os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def settle(stream: Stream) -> None:
    """Wait until a board that starts has said its first words; they are lost, for nobody listens.

    Raises:
        DeviceError: the board stopped.
    """
    deadline = time.monotonic() + START_S
    said = b""
    while time.monotonic() < deadline:
        words = stream.read(QUIET_S)
        if said and not words:
            return
        said += words


def serve(
    stream: Stream, outlet: Outlet, on_edge: Callable[[GateEdge], None] | None = None
) -> None:
    """Carry bytes between a board and an outlet until interrupted.

    Args:
        on_edge: gets each edge of a virtual board's gate.

    Raises:
        DeviceError: the board stopped.
    """
    ended = threading.Event()
    inward = threading.Thread(target=_carry_inward, args=(stream, outlet, ended), daemon=True)
    inward.start()
    try:
        while True:
            if data := stream.read(SLICE_S):
                outlet.send(data)
            if on_edge is not None and isinstance(stream, VirtualStream):
                for edge in stream.gate_edges(0.0):
                    on_edge(edge)
    finally:
        ended.set()
        inward.join()


def _carry_inward(stream: Stream, outlet: Outlet, ended: threading.Event) -> None:
    # A board that stopped is the other direction's to tell.
    with contextlib.suppress(DeviceError, OSError):
        while not ended.is_set():
            if data := outlet.receive(SLICE_S):
                stream.write(data)

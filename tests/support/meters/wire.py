"""A pseudo-terminal with a simulated meter behind it, served by a thread."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tests.support.meters.faults import NEVER


class Unplugged(Exception):
    """The cable is out: by a fault, by the test, or because the test ended."""


class Device(Protocol):
    """A simulated meter: serves its end of a wire until it is unplugged."""

    def serve(self, wire: Wire) -> None:
        """Answer and stream; ends with Unplugged."""


class Wire:
    """The meter's end of a serial cable. Bytes past `unplug_after` never arrive."""

    def __init__(self, master: int, wake: int, unplug_after: int = NEVER) -> None:
        self._master, self._wake = master, wake
        self._left = unplug_after

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Return what the host wrote: b"" after `timeout_s` without a byte."""
        return self._receive() if self._wait(timeout_s, writing=False) else b""

    def write(self, data: bytes) -> None:
        """Send all of `data`, as fast as the host reads."""
        while data:
            self._wait(None, writing=True)
            with contextlib.suppress(BlockingIOError):
                sent = os.write(self._master, data[: min(len(data), self._left, 4096)])
                data, self._left = data[sent:], self._left - sent
            if self._left <= 0:
                raise Unplugged

    def _receive(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self._master, 4096)
        return b""

    def _wait(self, timeout_s: float | None, *, writing: bool) -> bool:
        """Wait until the host wrote or, if `writing`, can take more; tell whether it wrote.

        Raises:
            Unplugged: the test ended, or pulled the cable.
        """
        inputs, outputs = (
            ([self._wake], [self._master]) if writing else ([self._wake, self._master], [])
        )
        ready = select.select(inputs, outputs, [], timeout_s)[0]
        if self._wake in ready:
            raise Unplugged
        return self._master in ready


class Plug:
    """A plugged-in meter: `path` of its port; `pull` unplugs it."""

    def __init__(self, path: str, wake: int) -> None:
        self.path, self._wake = path, wake
        self.gone = threading.Event()
        """Set when the meter is unplugged."""

    def pull(self) -> None:
        """Unplug the meter, as a hand would."""
        with contextlib.suppress(OSError):
            os.write(self._wake, b"!")


@contextmanager
def plugged_in(device: Device, unplug_after: int = NEVER) -> Iterator[Plug]:
    """Plug a meter in: yield its port; unplug it at the end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    wire_end, plug_end = os.pipe()
    plug = Plug(os.ttyname(slave), plug_end)

    def serve() -> None:
        with contextlib.suppress(Unplugged, OSError):
            device.serve(Wire(master, wire_end, unplug_after))
        # What was sent still arrives before the port goes, as over USB; at most for a moment.
        _drain(slave)
        # Both handles go: to the program that has the port open this is an unplugged adapter.
        os.close(slave)
        os.close(master)
        plug.gone.set()

    thread = threading.Thread(target=serve, name="simulated meter")
    thread.start()
    try:
        yield plug
    finally:
        plug.pull()
        thread.join(10)
        os.close(plug_end)
        os.close(wire_end)
        assert not thread.is_alive()


def _drain(slave: int) -> None:
    """Let the host read what was sent; give up after a second."""
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        # The kernel hands bytes over in the background: 0 counts only after a moment.
        time.sleep(0.01)
        if struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, b"\0\0\0\0"))[0] == 0:
            return

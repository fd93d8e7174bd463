"""Streams of bytes to a board: serial ports and sockets (pyserial), and a process's own streams."""

from __future__ import annotations

import contextlib
import select
import socket
import time
import warnings
from typing import Any, Protocol

from edgeq.core.errors import DeviceError
from edgeq.core.processes import Child
from edgeq.device.ports import check_port, find_owner

CHUNK = 65536
# How long one read of pyserial may wait: its timeout is set once, for to change it makes a port
# configure itself anew, over the network where it is an rfc2217 one.
SLICE_S = 0.05


class Stream(Protocol):
    """What a link needs of a connection. Every method raises DeviceError once it is gone."""

    def read(self, timeout_s: float) -> bytes:
        """Return what arrives within `timeout_s`, as soon as anything does; b'' for nothing."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def close(self) -> None:
        """Give the connection back. May be called twice."""


class SerialStream:
    """A serial port, or an rfc2217:// or loop:// URL, through pyserial."""

    def __init__(self, port: str, *, baud: int = 115200) -> None:
        import serial

        self._errors = (serial.SerialException, OSError, TypeError, ValueError)
        self._name = check_port(port)
        if "://" not in port and (owner := find_owner(port)):
            raise port_in_use(port, owner)
        remote = port.startswith("rfc2217://")
        try:
            # pyserial 3.5 starts its rfc2217 thread with a method that Python calls old.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self._port: Any = serial.serial_for_url(
                    # Not every device behind a server has the modem lines that are set first.
                    f"{port}?ign_set_control" if remote else port,
                    baudrate=baud, timeout=SLICE_S, exclusive=True,
                    # A remote port has a time limit of its own, and takes no other.
                    write_timeout=None if remote else 5,
                )  # fmt: skip
        except self._errors as error:
            raise _cannot_open(port, error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what arrives within `timeout_s`; raise DeviceError where the port is gone."""
        deadline = time.monotonic() + timeout_s
        try:
            first: bytes = self._port.read(1)
            while not first and time.monotonic() < deadline:
                first = self._port.read(1)
        except self._errors as error:
            raise connection_gone(self._name, str(error)) from error
        if not first:
            return b""
        # What is read already is not lost when the port goes away here: the next read says so.
        with contextlib.suppress(*self._errors):
            return first + bytes(self._port.read(min(self._port.in_waiting, CHUNK)))
        return first

    def write(self, data: bytes) -> None:
        """Send all of `data`; raise DeviceError where the port is gone or takes nothing."""
        try:
            self._port.write(data)
        except self._errors as error:
            raise connection_gone(self._name, str(error)) from error

    def close(self) -> None:
        """Close the port."""
        # pyserial forgets the socket of an rfc2217 port whose server went away first.
        leftover = getattr(self._port, "_socket", None)
        with contextlib.suppress(*self._errors):
            self._port.close()
        if leftover is not None:
            leftover.close()


class SocketStream:
    """A socket://HOST:PORT link. Closes at once, also when the other side went away first."""

    def __init__(self, url: str) -> None:
        self._name = check_port(url)
        host, _, port = url.removeprefix("socket://").rpartition(":")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
        except (OSError, ValueError, OverflowError) as error:
            raise _cannot_open(url, error) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout_s: float) -> bytes:
        """Return what arrives within `timeout_s`; raise DeviceError where it is closed."""
        try:
            if not select.select([self._socket], [], [], max(0.0, timeout_s))[0]:
                return b""
            data = self._socket.recv(CHUNK)
        except (OSError, ValueError) as error:
            raise connection_gone(self._name, str(error)) from error
        if not data:
            raise connection_gone(self._name, "the other side closed it")
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`; raise DeviceError where the other side is gone or takes nothing."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise connection_gone(self._name, str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class ProcessStream:
    """The standard streams of a child process that speaks the link protocol."""

    def __init__(self, child: Child, name: str) -> None:
        self._child, self._name = child, name

    def read(self, timeout_s: float) -> bytes:
        """Return what arrives within `timeout_s`; raise DeviceError where the process ended."""
        try:
            return self._child.read(timeout_s)
        except EOFError as error:
            raise process_ended(self._child, self._name) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`; raise DeviceError where the process ended."""
        try:
            self._child.write(data)
        except EOFError as error:
            raise process_ended(self._child, self._name) from error

    def close(self) -> None:
        """End the process and everything it started."""
        self._child.close()


def open_stream(port: str, *, baud: int = 115200) -> Stream:
    """Open a serial port or an allowed URL.

    Raises:
        UsageError: the name is not allowed.
        DeviceError: it cannot be opened or is in use.
    """
    if port.startswith("socket://"):
        return SocketStream(port)
    return SerialStream(port, baud=baud)


def connection_gone(name: str, reason: str) -> DeviceError:
    """Return the error for a connection that was there and is gone."""
    return DeviceError(
        f"the connection to {name} is gone: {reason}",
        hint="is the board plugged in and powered, and the cable sound?",
    )


def port_in_use(port: str, owner: str) -> DeviceError:
    """Return the error for a port that another program has open."""
    return DeviceError(f"{port} is in use by {owner}", hint="close that program first")


def process_ended(child: Child, name: str) -> DeviceError:
    """Return the error for a virtual board whose process ended, with its last words."""
    code = child.wait(1.0)
    how = f"with signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    words = child.last_words().splitlines()[-1:]
    return DeviceError(
        f"{name} stopped {how}{': ' + words[0] if words else ''}",
        hint="start it again; where it stops each time, `edgeq doctor` checks what runs it",
    )


def _cannot_open(port: str, error: Exception) -> DeviceError:
    text = str(error).lower()
    if "exclusive" in text or "resource temporarily unavailable" in text or "busy" in text:
        return port_in_use(port, find_owner(port) or "another program")
    if "permission" in text:
        return DeviceError(
            f"no permission to open {port}",
            hint="on Linux add yourself to the group 'dialout' and log in again",
        )
    return DeviceError(f"cannot open {port}: {error}", hint="check the name and the cable")

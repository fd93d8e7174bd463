"""Serial ports: which names are allowed, which are there, and which board each may be."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.core.records import Record

HIGHEST_PORT = 65_535
URL_SCHEMES = ("socket", "rfc2217", "loop")
_URL = re.compile(
    r"(?:socket|rfc2217)://(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})\Z"
    r"|loop://\Z"
)
# /dev/ttyACM0, /dev/ttyS0, /dev/pts/3, /dev/cu.usbmodem1: never /dev/mem, a disk or a watchdog,
# which do something as soon as they are opened; nor the console.
_POSIX_PORT = re.compile(
    r"/dev/(?:tty(?:[A-Za-z]|\.)[\w.-]{0,64}|cu[.aU][\w.-]{0,64}|pts/\d{1,6}|rfcomm\d{1,3})\Z",
    re.ASCII,
)
_MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")
_WINDOWS_PORT = re.compile(r"(?:\\\\\.\\)?COM\d{1,3}\Z", re.IGNORECASE)


class SerialPort(Record, frozen=True, kw_only=True):
    """A serial port of this computer. `usb_id` is 'vid:pid'; `boards` are ids that may be it."""

    device: str
    description: str
    usb_id: str | None
    serial_number: str | None
    boards: tuple[str, ...]


def check_port(port: str) -> str:
    """Return `port` where it is a serial port's name or an allowed URL.

    Raises:
        UsageError: it is neither; nothing was opened.
    """
    if "://" in port:
        url = _URL.match(port)
        if url and 0 < int(url[1] or 1) <= HIGHEST_PORT:
            return port
        raise UsageError(
            f"port {port!r} is not allowed",
            hint=f"use a serial port or {', '.join(s + '://' for s in URL_SCHEMES)} HOST:PORT",
        )
    if _is_serial_port(port):
        return port
    raise UsageError(
        f"{port!r} is not a serial port", hint="`edgeq boards ports` lists the ports that are there"
    )


def _is_serial_port(port: str) -> bool:
    if not port or port.startswith("-") or not port.isprintable():
        return False
    if os.name == "nt":
        return bool(_WINDOWS_PORT.match(port))
    try:
        named = port.startswith("/") and _POSIX_PORT.match(os.path.realpath(port))
        return bool(named) and stat.S_ISCHR(os.stat(port).st_mode)
    except OSError:
        return False


def list_ports(boards: Iterable[Board] = ()) -> tuple[SerialPort, ...]:
    """Return the serial ports of this computer, and for each the `boards` with its USB id."""
    from serial.tools.list_ports import comports

    known = tuple(boards)
    ports = []
    for port in sorted(comports(), key=lambda p: str(p.device)):
        usb_id = None if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"
        ports.append(
            SerialPort(
                device=port.device,
                description=port.description or "",
                usb_id=usb_id,
                serial_number=port.serial_number,
                boards=tuple(b.id for b in known if usb_id in b.link.usb_ids),
            )
        )
    return tuple(ports)


def find_port(board: Board) -> str:
    """Return the one port whose USB id is the board's.

    Raises:
        DeviceError: no port matches, or more than one: edgeq never guesses.
    """
    matching = [p for p in list_ports((board,)) if p.boards]
    if len(matching) == 1:
        return matching[0].device
    if matching:
        names = ", ".join(
            f"{p.device} (serial number {p.serial_number or 'none'})" for p in matching
        )
        raise DeviceError(
            f"more than one port may be board '{board.id}': {one_line(names)}",
            hint="choose one with --port",
        )
    raise DeviceError(
        f"no serial port with a USB id of board '{board.id}'"
        f" ({', '.join(board.link.usb_ids) or 'its profile names none'})",
        hint="connect the board, or name its port with --port",
    )


def find_owner(port: str) -> str | None:
    """Return 'NAME (pid N)' of another process that has `port` open, None where unknown (Linux).

    The process at the other end of a pseudo-terminal is no owner: it serves the port.
    """
    target = os.path.realpath(port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and _has_open(folder, target):
                return f"{one_line((folder / 'comm').read_text().strip())} (pid {folder.name})"
        except OSError:
            continue
    return None


def _has_open(process: Path, target: str) -> bool:
    found = False
    for link in (process / "fd").iterdir():
        try:
            path = os.readlink(link)
        except OSError:
            continue
        if path in _MASTERS and _serves(process, link.name, target):
            return False
        found = found or path == target
    return found


def _serves(process: Path, handle: str, target: str) -> bool:
    """Say whether the handle is the other end of the pseudo-terminal `target`."""
    try:
        lines = (process / "fdinfo" / handle).read_text().splitlines()
    except OSError:
        return False
    indexes = [line.split(":")[1].strip() for line in lines if line.startswith("tty-index:")]
    return any(target == f"/dev/pts/{index}" for index in indexes)

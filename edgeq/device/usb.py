"""USB devices: which of the connected boards and probes is meant, and never a guess."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.device.flashing.records import Target
from edgeq.device.ports import check_port

# Debug probes by 'vid:pid', as the udev rules of OpenOCD and pyOCD list them.
PROBES: Mapping[str, str] = {
    "0483:3744": "ST-Link/V1",
    "0483:3748": "ST-Link/V2",
    "0483:374b": "ST-Link/V2-1",
    "0483:374d": "ST-Link/V3",
    "0483:374e": "ST-Link/V3",
    "0483:374f": "ST-Link/V3",
    "0483:3752": "ST-Link/V2-1",
    "0483:3753": "ST-Link/V3",
    "0483:3754": "ST-Link/V3",
    "0483:3757": "ST-Link/V3",
    "0d28:0204": "DAPLink",
    "1366:0101": "J-Link",
    "1366:0105": "J-Link",
    "1366:1015": "J-Link",
    "1366:1051": "J-Link",
    "1366:1061": "J-Link",
    "1fc9:0090": "LPC-Link2",
    "1fc9:0143": "MCU-Link",
    "2e8a:000c": "Debugprobe",
}
SYSFS = Path("/sys/bus/usb/devices")
# A serial number becomes a word of a tool's command line: anything else is not handed on.
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}\Z")


class UsbDevice(NamedTuple):
    """A connected USB device. `where` is its serial port, or its place on the bus."""

    usb_id: str
    serial_number: str
    where: str
    place: str

    def __str__(self) -> str:
        name = f"serial number {self.serial_number}" if self.serial_number else self.usb_id
        return f"{self.where} ({name})"


def list_usb(sysfs: Path = SYSFS) -> tuple[UsbDevice, ...]:
    """Return the USB devices with a serial port, and on Linux those without; each once."""
    from serial.tools.list_ports import comports

    found: dict[tuple[str, str], UsbDevice] = {}
    for port in sorted(comports(), key=lambda p: str(p.device)):
        if port.vid is not None:
            usb_id = f"{port.vid:04x}:{port.pid:04x}"
            place = (port.location or port.device).partition(":")[0]
            device = UsbDevice(usb_id, _plain(port.serial_number), port.device, place)
            found.setdefault((usb_id, device.serial_number or place), device)
    if sys.platform == "linux":
        for device in _read_sysfs(sysfs):
            found.setdefault((device.usb_id, device.serial_number or device.place), device)
    return tuple(found.values())


def find_probe(
    board: Board, port: str | None, devices: Iterable[UsbDevice] | None = None
) -> Target:
    """Return the board's debug probe: the one behind `port`, or the one with the board's USB id.

    A board whose profile names no USB id has any debug probe.

    Raises:
        UsageError: the port's name is not allowed.
        DeviceError: no such board is connected, or more than one.
    """
    known = tuple(list_usb() if devices is None else devices)
    ids: Collection[str] = board.link.usb_ids or PROBES
    matching = [d for d in known if d.usb_id in ids]
    if port is not None:
        check_local(port)
        matching = [d for d in known if d.where == port]
    elif not matching and board.link.usb_ids:
        raise DeviceError(
            f"no USB device of board '{board.id}' ({', '.join(board.link.usb_ids)}) is connected",
            hint="connect the board, or name its serial port with --port",
        )
    return _only(f"board '{board.id}'", matching, known)


def find_dfu(board: Board, devices: Iterable[UsbDevice] | None = None) -> Target:
    """Return the one device with the boot loader's USB id, `flash.target` of the profile.

    Raises:
        DeviceError: more than one; where none is seen, the tool says so itself.
    """
    known = tuple(list_usb() if devices is None else devices)
    matching = [d for d in known if d.usb_id == board.flash.target]
    return _only(f"the boot loader of board '{board.id}'", matching, known)


def check_local(port: str) -> str:
    """Return `port` where it is this computer's serial port; raise UsageError otherwise."""
    if "://" in check_port(port):
        raise UsageError(f"cannot flash over {port}", hint="name the board's serial port")
    return port


def _only(what: str, matching: list[UsbDevice], known: Collection[UsbDevice]) -> Target:
    if len(matching) > 1:
        raise DeviceError(
            f"more than one device may be {what}: {', '.join(map(str, matching))}",
            hint="choose one with --port, or unplug the others",
        )
    probes = [d for d in known if d.usb_id in PROBES]
    others = [d for d in probes if d not in matching]
    chosen = matching[0] if matching else None
    if others and chosen is None and len(others) > 1:
        raise DeviceError(
            f"more than one debug probe is connected: {', '.join(map(str, others))}",
            hint="unplug all but the board's",
        )
    if others and chosen is not None and not chosen.serial_number:
        raise DeviceError(
            f"{chosen} has no plain serial number to tell it from {', '.join(map(str, others))}",
            hint="unplug the others",
        )
    if chosen is None:
        return Target(alone=not others)
    return Target(chosen.where, chosen.serial_number, alone=not others)


def _plain(serial_number: str | None) -> str:
    return serial_number if serial_number and _SERIAL.match(serial_number) else ""


def _read_sysfs(folder: Path) -> Iterable[UsbDevice]:
    for device in sorted(folder.glob("[0-9]*")):
        with contextlib.suppress(OSError):
            words = [_word(device / name) for name in ("idVendor", "idProduct")]
            usb_id = ":".join(words)
            serial = _plain(_word(device / "serial") if (device / "serial").exists() else None)
            yield UsbDevice(usb_id, serial, f"USB {device.name}", device.name)


def _word(path: Path) -> str:
    return one_line(path.read_text("utf-8", "replace"))

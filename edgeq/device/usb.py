"""USB devices: which of the connected boards and probes is meant, and never a guess."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.device.flashing.records import Target
from edgeq.device.ports import check_port

# Debug probes by 'vid:pid', or all of a vendor's, as the udev rules of OpenOCD and pyOCD and the
# rules of SEGGER list them.
PROBES: Mapping[str, str] = {
    "0483:3744": "ST-Link/V1",
    "0483:3748": "ST-Link/V2",
    "0483:374b": "ST-Link/V2-1",
    "0483:3752": "ST-Link/V2-1",
    "0483:374d": "ST-Link/V3",
    "0483:374e": "ST-Link/V3",
    "0483:374f": "ST-Link/V3",
    "0483:3753": "ST-Link/V3",
    "0483:3754": "ST-Link/V3",
    "0483:3757": "ST-Link/V3",
    "0d28:0204": "DAPLink",
    "1366": "J-Link",
    "1fc9:0090": "LPC-Link2",
    "1fc9:0143": "MCU-Link",
    "2e8a:000c": "Debugprobe",
    "03eb:2141": "Atmel-ICE",
    "03eb:2111": "EDBG",
    "c251": "ULINK",
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


def list_usb() -> tuple[UsbDevice, ...]:
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
        for device in _read_sysfs(SYSFS):
            found.setdefault((device.usb_id, device.serial_number or device.place), device)
    return tuple(found.values())


def is_probe(usb_id: str) -> bool:
    """Tell whether a device of this id is a debug probe."""
    return usb_id in PROBES or usb_id.partition(":")[0] in PROBES


def find_probe(
    board: Board, port: str | None, devices: Iterable[UsbDevice] | None = None
) -> Target:
    """Return the board's debug probe: the one behind `port`, or the one with the board's USB id.

    A board that carries no probe of its own, by its profile's USB ids, has any that is connected.

    Raises:
        UsageError: the port's name is not allowed.
        DeviceError: no such board is connected, or more than one.
    """
    known = tuple(list_usb() if devices is None else devices)
    probes = tuple(d for d in known if is_probe(d.usb_id))
    own = [i for i in board.link.usb_ids if is_probe(i)]
    matching = [d for d in probes if not own or d.usb_id in own]
    if port is not None:
        real = os.path.realpath(check_local(port))
        matching = [d for d in probes if os.path.realpath(d.where) == real] or matching
    if not matching and own:
        raise DeviceError(
            f"no debug probe of board '{board.id}' ({', '.join(own)}) is connected",
            hint="connect the board with a data cable; `edgeq boards ports` lists what is there",
        )
    return _only(f"the probe of board '{board.id}'", matching, probes)


def find_dfu(board: Board, devices: Iterable[UsbDevice] | None = None) -> Target:
    """Return the one device with the boot loader's USB id, `flash.target` of the profile.

    Raises:
        DeviceError: more than one; where none is seen, the tool says so itself.
    """
    known = tuple(list_usb() if devices is None else devices)
    matching = [d for d in known if d.usb_id == board.flash.target]
    return _only(f"the boot loader of board '{board.id}'", matching, matching)


def check_local(port: str) -> str:
    """Return `port` where it is this computer's serial port; raise UsageError otherwise."""
    if "://" in check_port(port):
        raise UsageError(f"cannot flash over {port}", hint="name the board's serial port")
    return port


def _only(what: str, matching: Sequence[UsbDevice], known: Sequence[UsbDevice]) -> Target:
    """Return the one of `matching`, told by its serial number from the others that are `known`."""
    if len(matching) > 1:
        raise DeviceError(
            f"more than one device may be {what}: {', '.join(map(str, matching))}",
            hint="choose one with --port, or unplug the others",
        )
    if not matching:
        return Target()
    (chosen,) = matching
    others = [d for d in known if d != chosen]
    if others and not chosen.serial_number:
        raise DeviceError(
            f"{chosen} has no plain serial number to tell it from {', '.join(map(str, others))}",
            hint="unplug the others",
        )
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

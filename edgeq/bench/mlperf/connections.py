"""The way to a board and to its meter, from what the user named or a device list tells."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeq.bench.mlperf.devices import Device, find_device, pick_device, read_devices
from edgeq.bench.mlperf.runs import Rig
from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.records import FirmwareImage
from edgeq.core.records.mlperf import MlperfMode
from edgeq.device.connection import connect
from edgeq.device.meters.table import open_meter
from edgeq.device.mlperf.console import Channel, Console
from edgeq.device.mlperf.iomanager import BAUD, VARIANTS, IoManager, Variant, find_variant
from edgeq.device.mlperf.session import CHUNK, CHUNK_WITH_METER, Deadlines, DutSession
from edgeq.device.mlperf.transcript import Transcript
from edgeq.device.ports import SerialPort, list_ports
from edgeq.device.streams import Stream, open_stream

# Without an image to say so: the reference firmware's, and the isolated link's.
DIRECT_BAUD, ENERGY_BAUD = 115200, 9600
# What device lists call a meter, and its name in the table of meters.
METER_NAMES = {"lpm01a": "lpm01a", "js220": "joulescope", "js110": "joulescope", "ppk2": "ppk2"}


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of the way to the board; None is found, or left to the board's own.

    `variant` is a make of IO manager, None for the one with the port's USB id.
    """

    port: str | None = None
    io_manager: str | None = None
    variant: str | None = None
    baud: int | None = None
    meter: str | None = None
    gate: str | None = None


def complete_way(way: Way, devices: Path | None, mode: MlperfMode) -> Way:
    """Fill in from a device list of the public runner what the user did not name.

    The IO manager and the meter are energy mode's alone, unless they are named.

    Raises:
        InputError: the list is not sound.
        DeviceError: two ports may be one device.
    """
    if devices is None:
        return way
    listed = read_devices(devices)
    ports = list_ports()
    dut = pick_device(listed, "dut")
    baud = way.baud or (dut.baud(mode) if dut else None)
    way = replace(way, baud=baud)
    if mode == "energy":
        way = _add_manager(way, listed, ports)
        way = _add_meter(way, listed, ports)
    if way.port is None and way.io_manager is None:
        found = find_device(listed, "dut", ports)
        way = replace(way, port=found[1] if found else None)
    return way


def _add_manager(way: Way, listed: Sequence[Device], ports: Sequence[SerialPort]) -> Way:
    found = None if way.io_manager or way.port else find_device(listed, "interface", ports)
    if found is None:
        return way
    known = {v.name for v in VARIANTS}
    variant = way.variant or (found[0].name if found[0].name in known else None)
    return replace(way, io_manager=found[1], variant=variant)


def _add_meter(way: Way, listed: Sequence[Device], ports: Sequence[SerialPort]) -> Way:
    if way.meter is not None:
        return way
    found = find_device(listed, "power", ports)
    device = found[0] if found else pick_device(listed, "power")
    if device is None:
        return way
    name = METER_NAMES.get(device.name)
    if name is None:
        raise UsageError(
            f"the device list's meter '{device.name}' is none that edgeq knows",
            hint="name the meter with --meter",
        )
    port = f":{found[1]}" if found else ""
    volts = f",voltage={device.voltage_v:g}" if device.voltage_v is not None else ""
    return replace(way, meter=f"{name}{port}{volts}")


def make_rig(
    way: Way,
    mode: MlperfMode,
    *,
    board: Board | None = None,
    image: FirmwareImage | None = None,
    deadlines: Deadlines | None = None,
) -> Rig:
    """Return the rig of a way.

    Args:
        board, image: of a board that edgeq has built for; without both, a port is needed.

    Raises:
        UsageError: no way to the board is known.
    """
    if way.port and way.io_manager:
        raise UsageError(
            "both a port and an IO manager are named", hint="choose --port or --io-manager"
        )
    if not way.port and not way.io_manager and (board is None or image is None):
        raise UsageError(
            "no way to the board is known",
            hint="give MODEL and --board, or name --port, --io-manager or --devices",
        )

    def open_session(log: Transcript) -> DutSession:
        chunk = CHUNK_WITH_METER if mode == "energy" else CHUNK
        channel = _open_channel(way, mode, board, image, log)
        return DutSession(channel, deadlines=deadlines, chunk=chunk)

    meter = way.meter if mode == "energy" else None
    return Rig(
        open_session=open_session,
        open_meter=None if meter is None else lambda: open_meter(meter),
        board=board,
        gate=way.gate,
        isolated=way.io_manager is not None,
    )


def _open_channel(
    way: Way, mode: MlperfMode, board: Board | None, image: FirmwareImage | None, log: Transcript
) -> Channel:
    own = image.baud or (board.link.baud if board else 0) if image else 0
    baud = way.baud or own or (ENERGY_BAUD if mode == "energy" else DIRECT_BAUD)
    if way.io_manager is None:
        return Console(_open_board(way, baud, board, image), log)
    variant = _find_variant(way)
    stream = open_stream(way.io_manager, baud=BAUD)
    try:
        console = Console(stream, log, who="the IO manager")
        return IoManager(console, dut_baud=baud, variant=variant)
    except BaseException:
        stream.close()
        raise


def _open_board(way: Way, baud: int, board: Board | None, image: FirmwareImage | None) -> Stream:
    if way.port is None and board is not None and image is not None:
        return connect(board, image)
    return open_stream(way.port or "", baud=baud)


def _find_variant(way: Way) -> Variant:
    if way.variant is not None:
        return find_variant(way.variant)
    place = os.path.realpath(way.io_manager or "")
    for port in list_ports():
        for variant in VARIANTS:
            if os.path.realpath(port.device) == place and port.usb_id in variant.usb_ids:
                return variant
    raise DeviceError(
        f"{way.io_manager} does not say which IO manager it is",
        hint=f"name it with --io-manager-type: {', '.join(v.name for v in VARIANTS)}",
    )

"""The meters that edgeq knows, a row each: how to open one, what it needs, what it can mark."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from edgeq.core.errors import DeviceError, UsageError, did_you_mean, one_line
from edgeq.core.installation import require
from edgeq.device.meters.specs import (
    MAX_SPEC,
    Option,
    channels,
    choice,
    number,
    parse_options,
    parse_spec,
    rate,
    switch,
    whole,
    word,
)
from edgeq.device.meters.trace import Meter
from edgeq.device.ports import check_port
from edgeq.device.streams import Stream, open_stream

PortKind = Literal["serial", "host", "file", "device", "local"]
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MeterRow:
    """One kind of meter.

    `gates` are the digital channels or events that it can mark by itself, `sample_rate` and `range`
    are words, `usb_ids` those by which a port that was not named is found, `requirement` a row of
    core.installation. `open` gets the port (None where the user named none) and the options.
    """

    name: str
    title: str
    port: PortKind
    sample_rate: str
    range: str
    example: str
    open: Callable[[str | None, Options], Meter]
    gates: tuple[str, ...] = ()
    usb_ids: tuple[str, ...] = ()
    requirement: str | None = None
    options: Mapping[str, Option] = field(default_factory=dict)


def find_meter(name: str) -> MeterRow:
    """Return the row of a meter; raise UsageError with the nearest names."""
    if name not in METERS:
        raise UsageError(
            f"no meter is called {name[:100]!r}.{did_you_mean(name, METERS)}",
            hint=f"the meters are: {', '.join(METERS)}; `edgeq meters list` says more",
        )
    return METERS[name]


def open_meter(spec: str) -> Meter:
    """Open the meter that `NAME[:PORT][,option=value...]` names.

    Without a port, the one device with the meter's USB id is meant.

    Raises:
        UsageError: the spec is wrong; nothing was opened.
        InputError: the file of a recording is damaged.
        ToolchainError: what the meter needs is not installed.
        DeviceError: it is not there, in use, or does not answer.
    """
    if len(spec) > MAX_SPEC or not spec.isprintable():
        raise UsageError("a meter's spec is one short line", hint="see docs/meters.md")
    row = find_meter(spec.partition(":")[0].partition(",")[0])
    parsed = parse_spec(spec, whole_port=row.port == "file")
    options = parse_options(row.name, parsed.options, row.options)
    if row.requirement:
        require(row.requirement)
    if row.port == "serial":
        port = check_port(parsed.port) if parsed.port else find_serial(row)
        return row.open(port, options)
    if row.port == "local" and parsed.port:
        raise UsageError(f"meter {row.name} has no port", hint=f"write {row.example}")
    if row.port == "file" and not parsed.port:
        raise UsageError(f"meter {row.name} needs a file", hint=f"write {row.example}")
    return row.open(parsed.port, options)


def find_serial(row: MeterRow) -> str:
    """Return the serial port of the one connected device with the meter's USB id.

    A device with several ports is met at its first: the PPK2's second one is a console.

    Raises:
        DeviceError: no such device is connected, or more than one.
    """
    from serial.tools.list_ports import comports

    devices: dict[str, str] = {}
    for port in sorted(comports(), key=lambda p: (str(p.location), str(p.device))):
        if port.vid is not None and f"{port.vid:04x}:{port.pid:04x}" in row.usb_ids:
            place = port.serial_number or str(port.location).partition(":")[0]
            devices.setdefault(place, port.device)
    if len(devices) == 1:
        return next(iter(devices.values()))
    if devices:
        raise DeviceError(
            f"more than one port may be the {row.title}: {one_line(', '.join(devices.values()))}",
            hint=f"name one: {row.example}",
        )
    ids = f" with USB id {' or '.join(row.usb_ids)}" if row.usb_ids else ""
    raise DeviceError(
        f"no {row.title} is connected{ids}", hint=f"connect it, or name its port: {row.example}"
    )


def _open_ppk2(port: str | None, options: Options) -> Meter:
    from edgeq.device.meters.ppk2 import Ppk2Meter, Ppk2Settings

    settings = Ppk2Settings(
        voltage_v=options["voltage"], mode=options["mode"], filter=options["filter"],
        channels=options["channels"], keep_power=options["keep"],
    )  # fmt: skip
    return _over(port, 115200, lambda stream: Ppk2Meter(stream, settings))


def _open_lpm01a(port: str | None, options: Options) -> Meter:
    from edgeq.device.meters.lpm01a import BAUD, Lpm01aMeter, Lpm01aSettings, check_settings

    settings = Lpm01aSettings(
        voltage_v=options["voltage"], output=options["output"], format=options["format"],
        frequency_hz=options["rate"],
    )  # fmt: skip
    check_settings(settings)
    return _over(port, BAUD, lambda stream: Lpm01aMeter(stream, settings))


def _open_otii(port: str | None, options: Options) -> Meter:
    from edgeq.device.meters.otii import OtiiMeter, OtiiSettings
    from edgeq.device.meters.otii_client import OtiiClient

    settings = OtiiSettings(
        voltage_v=options["voltage"], max_current_a=options["max_current"],
        inputs=options["inputs"], uart_baud=options["uart"], device=options["device"],
    )  # fmt: skip
    host = port or "127.0.0.1"
    where = host if re.search(r":\d+\Z", host) else f"{host}:{OTII_PORT}"
    url = check_port(f"socket://{where}")
    return _over(url, 0, lambda stream: OtiiMeter(OtiiClient(stream), settings))


def _open_ina(port: str | None, options: Options) -> Meter:
    from edgeq.device.meters.ina import BAUDS, InaMeter, InaSeriesMeter, InaSettings

    settings = InaSettings(
        format=options["format"], rate_hz=options["rate"], shunt_ohm=options["shunt"],
        max_current_a=options["max_current"],
    )  # fmt: skip
    kind = InaMeter if settings.format == "own" else InaSeriesMeter
    return _over(port, BAUDS[settings.format], lambda stream: kind(stream, settings))


def _open_joulescope(port: str | None, options: Options) -> Meter:
    from pyjoulescope_driver import Driver

    from edgeq.device.meters.joulescope import JoulescopeMeter, JoulescopeSettings, choose_device

    driver = Driver()
    try:
        path = choose_device(driver.device_paths(), port)
        settings = JoulescopeSettings(rate_hz=options["rate"], inputs=options["inputs"])
        return JoulescopeMeter(driver, path, settings)
    except BaseException:
        driver.finalize()
        raise


def _open_pmic(_: str | None, options: Options) -> Meter:
    from edgeq.device.meters.pmic import PmicMeter

    return PmicMeter(rate_hz=options["rate"])


def _open_replay(port: str | None, _: Options) -> Meter:
    from edgeq.device.meters.replay import ReplayMeter, read_trace

    return ReplayMeter(read_trace(Path(port or "")))


def _over(port: str | None, baud: int, make: Callable[[Stream], Meter]) -> Meter:
    """Return the meter that `make` makes on the port, which is closed where it cannot."""
    stream = open_stream(port or "", baud=baud)
    try:
        return make(stream)
    except BaseException:
        stream.close()
        raise


OTII_PORT = 1905
_VOLTAGE = "volts that the board runs at, e.g. voltage=3.3"
_ROWS = (
    MeterRow(
        "ppk2", "Nordic PPK2", "serial", "100 kHz",
        "200 nA to 1 A", "ppk2:/dev/ttyACM0,voltage=3.0", _open_ppk2,
        gates=tuple(f"d{i}" for i in range(8)), usb_ids=("1915:c00a",),
        options={
            "voltage": Option(number(0.8, 5.0, "volts"), None, _VOLTAGE),
            "mode": Option(choice("source", "ampere"), "source",
                           "source: the kit supplies the board; ampere: another supply does"),
            "filter": Option(switch, False, "on: take the spikes off that follow a range's change"),
            "channels": Option(channels(*(f"d{i}" for i in range(8))),
                               tuple(f"d{i}" for i in range(8)),
                               "the digital channels that are wired, e.g. channels=d0+d1"),
            "keep": Option(switch, False, "on: leave the board powered afterwards"),
        },
    ),
    MeterRow(
        "lpm01a", "STM LPM01A", "serial", "1 Hz to 100 kHz",
        "100 nA to 50 mA", "lpm01a:/dev/ttyACM0,voltage=3.3", _open_lpm01a,
        gates=("d7",), usb_ids=("0483:5740",),
        options={
            "voltage": Option(number(1.8, 3.3, "volts"), None, _VOLTAGE),
            "output": Option(choice("energy", "current"), "energy", "what the shield samples"),
            "format": Option(choice("ascii", "binary"), "ascii",
                             "binary is faster, but tells no events"),
            "rate": Option(whole(1, 100_000), 1000, "samples a second"),
        },
    ),
    MeterRow(
        "otii", "Qoitech Otii Arc, Ace", "host", "4 kHz, Ace to 50 kHz", "to 5 A",
        "otii:127.0.0.1,voltage=3.3", _open_otii, gates=("i1", "i2", "rx"),
        options={
            "voltage": Option(number(0.5, 15.0, "volts"), None, _VOLTAGE),
            "max_current": Option(number(0.001, 5.0, "amperes"), 0.5,
                                  "amperes at which the supply cuts off"),
            "inputs": Option(channels("i1", "i2"), (), "inputs that are wired, e.g. inputs=i1+i2"),
            "uart": Option(whole(0, 5_250_000), 0, "baud of the board's UART on the Otii's RX"),
            "device": Option(word, "", "name or id of the device, where there is more than one"),
        },
    ),
    MeterRow(
        "joulescope", "Joulescope JS110, JS220", "device", "100 kHz, to 1 MHz", "1 nA to 10 A",
        "joulescope", _open_joulescope, gates=tuple(f"gpi{i}" for i in range(4)),
        usb_ids=("16d0:0e88", "16d0:10ba"), requirement="pyjoulescope_driver",
        options={
            "rate": Option(rate(1_000_000, 500_000, 200_000, 100_000, 50_000, 20_000, 10_000,
                                5000, 2000, 1000), 100_000, "samples a second: 1000 to 1000000"),
            "inputs": Option(channels(*(f"gpi{i}" for i in range(4))), ("gpi0",),
                             "inputs that are wired, e.g. inputs=gpi0+gpi1"),
        },
    ),
    MeterRow(
        "ina", "INA219, 226, 228 bridge", "serial", "1 Hz to 1 kHz", "to 1.6 A at 0.1 ohm",
        "ina:/dev/ttyUSB0", _open_ina, gates=("gate",),
        options={
            "format": Option(choice("own", "jsonl"), "own",
                             "own: edgeq's sketch; jsonl: INA_Series_Sensor, which has no gate"),
            "rate": Option(whole(1, 1000), 400, "samples a second; jsonl keeps up to 400"),
            "shunt": Option(number(1e-4, 10, "ohms"), 0.1,
                            "ohms of the shunt (jsonl; edgeq's sketch knows its own)"),
            "max_current": Option(number(1e-3, 100, "amperes"), 2.0,
                                  "amperes at the range's end (jsonl)"),
        },
    ),
    MeterRow(
        "pmic", "Raspberry Pi 5 PMIC", "local", "1 to 50 Hz", "rails only, no 5 V loads", "pmic",
        _open_pmic, options={"rate": Option(number(1, 50, "hertz"), 10.0, "readings a second")},
    ),
    MeterRow(
        "replay", "A recording", "file", "as recorded", "as recorded", "replay:trace.npz",
        _open_replay,
    ),
)  # fmt: skip
METERS: Mapping[str, MeterRow] = {row.name: row for row in _ROWS}

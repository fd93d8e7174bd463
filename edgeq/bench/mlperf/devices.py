"""Device lists of the public runner: which ports are the board, the IO manager and the meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgeq.bench.mlperf.rules import MODES
from edgeq.bench.mlperf.yaml_files import Fields, check_fields, read_yaml, reject
from edgeq.core.errors import DeviceError
from edgeq.core.records.mlperf import MlperfMode
from edgeq.device.ports import SerialPort

DeviceType = Literal["dut", "interface", "power"]
TYPES = ("dut", "interface", "power")
MAX_BAUD = 20_000_000

FIELDS: Fields = {
    "name": (str,), "type": (str,), "preference": (int,), "baud": (int, dict), "echo": (bool,),
    "voltage": (int, float), "usb": (dict,), "usb_description": (str,), "check_name": (str,),
    "interface": (str,), "raw_sampling_rate": (int,), "virtual_sampling_rate": (int,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may be attached. `bauds` are by mode; `usb_ids` are 'vid:pid'."""

    name: str
    type: DeviceType
    preference: int
    bauds: Mapping[str, int]
    usb_ids: tuple[str, ...]
    voltage_v: float | None = None
    usb_description: str | None = None

    def baud(self, mode: MlperfMode) -> int | None:
        """Return the baud rate in a mode, None where the list does not say."""
        return self.bauds.get(mode)

    def matches(self, port: SerialPort) -> bool:
        """Whether the port may be this device."""
        named = self.usb_description is not None and self.usb_description in port.description
        return port.usb_id in self.usb_ids or named


def read_devices(path: Path) -> tuple[Device, ...]:
    """Return the devices of a YAML file, in its order.

    Raises:
        InputError: it is no such file; the field is named.
    """
    found = read_yaml(path, "device list")
    if not isinstance(found, list) or not found:
        reject(path, "it is no list of devices")
    return tuple(_parse_device(path, f"device {i + 1}", value) for i, value in enumerate(found))


def pick_device(devices: Sequence[Device], kind: DeviceType) -> Device | None:
    """Return the device of a type with the highest preference, None where the list has none."""
    return max((d for d in devices if d.type == kind), key=lambda d: d.preference, default=None)


def find_device(
    devices: Sequence[Device], kind: DeviceType, ports: Sequence[SerialPort]
) -> tuple[Device, str] | None:
    """Return the attached device of a type with the highest preference, and its port.

    Raises:
        DeviceError: two ports may be it: edgeq never guesses.
    """
    wanted = (d for d in devices if d.type == kind)
    for device in sorted(wanted, key=lambda d: -d.preference):
        matching = [p.device for p in ports if device.matches(p)]
        if len(matching) > 1:
            raise DeviceError(
                f"more than one port may be '{device.name}': {', '.join(matching)}",
                hint="name the ports with --port, --io-manager and --meter",
            )
        if matching:
            return device, matching[0]
    return None


def _parse_device(path: Path, where: str, value: Any) -> Device:
    fields = check_fields(path, where, value, FIELDS, ("name", "type"))
    where = f"device '{fields['name']}'"
    if fields["type"] not in TYPES:
        reject(path, f"{where}: type is {fields['type']!r}, not {', '.join(TYPES)}")
    voltage = fields.get("voltage")
    if voltage is not None and not 0 < voltage <= 60:
        reject(path, f"{where}: voltage is {voltage!r}")
    return Device(
        name=fields["name"],
        type=fields["type"],
        preference=fields.get("preference", 0),
        bauds=_parse_bauds(path, where, fields.get("baud")),
        usb_ids=tuple(_parse_ids(path, where, fields.get("usb", {}))),
        voltage_v=voltage,
        usb_description=fields.get("usb_description") or None,
    )


def _parse_bauds(path: Path, where: str, value: Any) -> dict[str, int]:
    if value is None:
        return {}
    bauds = value if isinstance(value, dict) else dict.fromkeys(MODES, value)
    for mode, baud in bauds.items():
        whole = isinstance(baud, int) and not isinstance(baud, bool)
        if mode not in MODES or not whole or not 0 < baud <= MAX_BAUD:
            reject(path, f"{where}: baud of {mode!r} is {baud!r}")
    return dict(bauds)


def _parse_ids(path: Path, where: str, value: dict[Any, Any]) -> list[str]:
    ids = []
    for vendor, products in value.items():
        for product in products if isinstance(products, list) else [products]:
            for number in (vendor, product):
                if type(number) is not int or not 0 <= number <= 0xFFFF:
                    reject(path, f"{where}: usb has {number!r}, no number of 16 bits")
            ids.append(f"{vendor:04x}:{product:04x}")
    return ids

"""USB devices that are not there, as pyserial would list them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeq.device import usb


def serial_port(
    device: str, usb_id: str | None, serial: str | None, place: str = "1-1"
) -> SimpleNamespace:
    """Return a port as `serial.tools.list_ports` gives it."""
    vid, pid = (int(x, 16) for x in usb_id.split(":")) if usb_id else (None, None)
    return SimpleNamespace(
        device=device, description=f"port {device}", vid=vid, pid=pid, serial_number=serial,
        location=f"{place}:1.0",
    )  # fmt: skip


def plug(monkeypatch: pytest.MonkeyPatch, *ports: SimpleNamespace) -> None:
    """Let these ports, and no other USB device, be all that this computer has."""
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: list(ports))
    monkeypatch.setattr(usb, "SYSFS", Path("/nonexistent"))

"""Recording with a meter into a file, and what is plugged in: what `edgeq meters` shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from edgeq.core.errors import UsageError
from edgeq.core.files import refuse_unwritable
from edgeq.core.installation import REQUIREMENTS, find_requirement
from edgeq.core.records import Kind, Record
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.recorder import LIMIT_S
from edgeq.device.meters.replay import write_trace
from edgeq.device.meters.table import METERS, MeterRow, open_meter
from edgeq.device.meters.trace import Trace
from edgeq.device.usb import UsbDevice, list_usb

SLICE_S = 0.1


class MeterListing(Record, frozen=True, kw_only=True):
    """A meter that edgeq knows. `installed` is None where what it `needs` is missing.

    `connected` are the ports or places of devices with its USB id.
    """

    name: str
    title: str
    port: str
    sample_rate: str
    range: str
    gates: tuple[str, ...]
    needs: str | None
    installed: str | None
    connected: tuple[str, ...]
    example: str
    options: dict[str, str]


class RecordingSummary(Record, frozen=True, kw_only=True):
    """What a recording holds: seconds of the meter's clock, joules, coulombs, watts, amperes."""

    kind: Kind
    meter: str
    file: str | None
    duration_s: float
    samples: int
    sample_rate_hz: float
    voltage_v: float
    energy_j: float
    charge_c: float
    average_w: float
    average_a: float
    peak_a: float
    lost_samples: int
    gaps: int
    clipped_samples: int
    marks: int
    fault: str | None = None
    warnings: tuple[str, ...] = ()


def list_meters(devices: Iterable[UsbDevice] | None = None) -> tuple[MeterListing, ...]:
    """Return a row for each meter, with what is installed and what is plugged in."""
    known = tuple(list_usb() if devices is None else devices)
    return tuple(_listing(row, known) for row in METERS.values())


def record(
    spec: str, seconds: float, out: Path, on_progress: Callable[[str, float], None]
) -> RecordingSummary:
    """Record for `seconds` into `out`, an .npz. An interrupted recording is kept as well.

    Raises:
        UsageError: the spec, the time or the file's name is wrong.
        DeviceError: the meter is not there or does not answer. One that is lost in mid-run is
            the summary's `fault`: what it recorded is in the file.
    """
    if not 0 < seconds <= LIMIT_S:
        raise UsageError(f"cannot record for {seconds:g} s", hint=f"choose up to {LIMIT_S:g} s")
    _check_out(out)
    meter = open_meter(spec)
    try:
        meter.start()
        try:
            _wait(seconds, on_progress)
        finally:
            trace = meter.stop()
            write_trace(out, trace)
    finally:
        meter.close()
    return summarize(trace, out)


def summarize(trace: Trace, file: Path | None = None) -> RecordingSummary:
    """Return the summary of a trace, from its first sample to its last."""
    start = float(trace.time_s[0]) if len(trace.time_s) else 0.0
    found = energy_between(trace, start, trace.end_s)
    duration = trace.end_s - start
    return RecordingSummary(
        kind=trace.kind, meter=trace.meter, file=None if file is None else str(file),
        duration_s=duration,
        samples=len(trace.time_s), sample_rate_hz=trace.sample_rate_hz, voltage_v=trace.voltage_v,
        energy_j=found.energy_j, charge_c=found.charge_c,
        average_w=found.energy_j / duration if duration else 0.0,
        average_a=found.charge_c / duration if duration else 0.0,
        peak_a=float(np.max(trace.current_a, initial=0.0)), lost_samples=trace.lost_samples,
        gaps=len(trace.gaps), clipped_samples=trace.clipped_samples, marks=len(trace.marks),
        fault=trace.fault, warnings=trace.warnings,
    )  # fmt: skip


def _listing(row: MeterRow, devices: Iterable[UsbDevice]) -> MeterListing:
    needs = row.requirement
    requirement = next((r for r in REQUIREMENTS if r.name == needs), None)
    return MeterListing(
        name=row.name, title=row.title, port=row.port, sample_rate=row.sample_rate,
        range=row.range, gates=row.gates, needs=needs,
        installed=find_requirement(requirement) if requirement else None,
        connected=tuple(str(d) for d in devices if d.usb_id in row.usb_ids), example=row.example,
        options={name: option.help for name, option in row.options.items()},
    )  # fmt: skip


def _check_out(out: Path) -> None:
    """Refuse a file that cannot be written before anything is recorded."""
    if out.suffix != ".npz":
        raise UsageError(f"{out} does not end in .npz", hint="a recording is an .npz file")
    refuse_unwritable(out)


def _wait(seconds: float, on_progress: Callable[[str, float], None]) -> None:
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        on_progress("recording", passed / seconds)
        time.sleep(min(SLICE_S, seconds - passed))
    on_progress("recording", 1.0)

"""INA219, INA226 and INA228 over a serial bridge: edgeq's own sketch, or `INA_Series_Sensor`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.clock import fit_clock, place_marks
from edgeq.device.meters.ina_lines import (
    WRAP,
    Bridge,
    Ints,
    JsonSample,
    Lines,
    deltas,
    parse_hello,
    parse_json,
    parse_own,
    restart_of,
    unwrap,
)
from edgeq.device.meters.recorder import Recording, drain, read_until
from edgeq.device.meters.sampling import find_gaps, sort_marks
from edgeq.device.meters.streamed import StreamedMeter
from edgeq.device.meters.trace import Edge, Floats, Mark, Trace
from edgeq.device.streams import Stream

BAUDS = {"own": 500_000, "jsonl": 115_200}
# An Arduino restarts as its port is opened: it is asked again until it answers.
BOOT_S, ASK_S = 6.0, 0.5
MIN_HZ, MAX_HZ = 1, 1000
# Volts at the end of each chip's shunt range, in its least sensitive setting.
SHUNT_END_V = {"INA219": 0.32, "INA226": 0.08192, "INA228": 0.16384}
# A disagreement of samples and the INA228's own sum that is told of.
SUM_ERROR = 0.02
NEAR_END = 0.999


@dataclass(frozen=True, slots=True)
class InaSettings:
    """Which bridge, and how it is set; shunt and current are for the JSON bridge alone."""

    format: Literal["own", "jsonl"] = "own"
    rate_hz: int = 400
    shunt_ohm: float = 0.1
    max_current_a: float = 2.0


class InaMeter(StreamedMeter):
    """edgeq's own sketch: raw registers, edges of a gate pin with their microsecond."""

    def __init__(self, stream: Stream, settings: InaSettings) -> None:
        """Wait for the bridge and set its rate; raise DeviceError where it does not answer."""
        super().__init__(stream)
        self.gates = ("gate",)
        if not MIN_HZ <= settings.rate_hz <= MAX_HZ:
            raise UsageError(
                f"the bridge has {MIN_HZ} to {MAX_HZ} samples a second, not {settings.rate_hz}",
                hint="choose one of these: rate=400",
            )
        said = _ask(stream, b"STOP\nHELLO\n", rb"#ina-bridge,[^\n]*\n")
        bridge = next(filter(None, map(parse_hello, said.split(b"\n"))), None)
        if bridge is None:
            raise DeviceError(
                "no INA answers the bridge",
                hint="check SDA, SCL, 3.3 V and ground between the Arduino and the INA",
            )
        period_us = round(1e6 / settings.rate_hz)
        _ask(stream, f"PERIOD {period_us}\n".encode(), rb"#period,\d+\*[0-9A-F]{2}\n")
        self._period_s = period_us * 1e-6
        self._bridge: Bridge = bridge._replace(period_s=self._period_s)
        self.name = f"{bridge.chip} (edgeq bridge)"

    def _begin(self) -> None:
        self._stream.write(b"START\n")

    def _end(self) -> None:
        self._stream.write(b"STOP\n")

    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        bridge, lines = self._bridge, parse_own(recording.data)
        count = restart_of(lines)
        ends = np.asarray(unwrap(lines.time, WRAP)[:count] * 1e-6, np.float64)
        steps = np.diff(unwrap(lines.sequence, lines.modulo)[:count])
        steps = _edge_free(lines, steps, count)
        starts, width = _starts(ends, steps, bridge.period_s)
        zero = float(starts[0]) if count else 0.0
        volts = np.array(lines.bus[:count]) * bridge.bus_lsb_v
        raw = np.array(lines.current[:count]) * bridge.current_lsb_a
        current = raw
        if bridge.accumulates and count:
            # The sum of charge misses nothing between two samples; the first has none before it.
            current = deltas(lines.charge)[:count] * bridge.current_lsb_a / width
            current[0] = raw[0]
        time_s = starts - zero
        clock, edges = None, []
        if count:
            clock = fit_clock(*_arrivals(recording, lines, ends - zero))
            edges = [Mark(t - zero, "gate", e, 2e-5) for t, e in _edge_times(lines, ends, count)]
        return Trace(
            meter=self.name, period_s=bridge.period_s,
            voltage_v=float(volts.mean()) if count else 0.0,
            time_s=time_s, current_a=current, power_w=current * volts,
            clipped=np.abs(raw) >= NEAR_END * bridge.end_a,
            gaps=find_gaps(time_s, bridge.period_s),
            marks=sort_marks(edges, place_marks(clock, noted, bridge.period_s)),
            fault=recording.fault or _restarted(lines, count),
            warnings=(
                *_doubts(lines), *_lost_edges(ends, steps, bridge.period_s),
                *_compare_sums(lines, bridge, volts, current, width),
            ),
        )  # fmt: skip


class InaSeriesMeter(StreamedMeter):
    """The bridge `INA_Series_Sensor`: JSON lines, milliseconds, no gate pin."""

    def __init__(self, stream: Stream, settings: InaSettings) -> None:
        """Wait for the bridge, tell it the shunt and the rate.

        Raises:
            DeviceError: it does not answer, or does not know a command.
        """
        super().__init__(stream)
        _ask(stream, b"STOP\nPING\n", rb'"PONG"[^\n]*\n')
        drain(stream, quiet_s=0.1, timeout_s=1.0)
        self._end_a = settings.max_current_a
        self._shunt_ohm = settings.shunt_ohm
        _ask(stream, f"RSHUNT {settings.shunt_ohm:.6f}\n".encode(), rb'"RSHUNT"[^\n]*\n')
        _ask(stream, f"IMAX {settings.max_current_a:.6f}\n".encode(), rb'"IMAX"[^\n]*\n')
        said = _ask(stream, f"SR {settings.rate_hz}\n".encode(), rb'"SR"[^\n]*\n')
        self._rate_hz = _rate_in(said) or settings.rate_hz
        self._period_s = 1.0 / self._rate_hz
        self.name = "INA_Series_Sensor bridge"

    def _begin(self) -> None:
        self._stream.write(b"START\n")

    def _end(self) -> None:
        self._stream.write(b"STOP\n")

    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        lines = parse_json(recording.data)
        count = restart_of(lines)
        sequence = unwrap(lines.sequence, lines.modulo)[:count]
        time_s, period = _regular(sequence, unwrap(lines.time, WRAP)[:count], self._rate_hz)
        current, volts = np.array(lines.current[:count]), np.array(lines.bus[:count])
        clock = None
        if count:
            clock = fit_clock(*_arrivals(recording, lines, time_s + period))
        shunt_end_a = SHUNT_END_V.get(_chip_in(recording.data), 1e9) / self._shunt_ohm
        return Trace(
            meter=self.name, period_s=period, voltage_v=float(volts.mean()) if count else 0.0,
            time_s=time_s, current_a=current, power_w=current * volts,
            clipped=np.abs(current) >= NEAR_END * min(self._end_a, shunt_end_a),
            gaps=find_gaps(time_s, period), marks=sort_marks(place_marks(clock, noted, period)),
            fault=recording.fault or _restarted(lines, count), warnings=tuple(_doubts(lines)),
        )  # fmt: skip


def _ask(stream: Stream, command: bytes, answer: bytes) -> bytes:
    """Send a command until its answer comes, and return all that came.

    Raises:
        DeviceError: no answer in time, or the bridge does not know the command.
    """
    silent = DeviceError(
        "the INA bridge does not answer",
        hint="which sketch is on it? format=own is edgeq's, format=jsonl INA_Series_Sensor",
    )
    pattern = re.compile(rb"(?:^|\n)[^\n]*(?:" + answer + rb')|"ERR"[^\n]*\n')
    deadline = time.monotonic() + BOOT_S
    while True:
        stream.write(command)
        left = deadline - time.monotonic()
        try:
            said = read_until(
                stream, lambda data: bool(pattern.search(data)), timeout_s=min(ASK_S, left),
                error=silent,
            )  # fmt: skip
        except DeviceError as error:
            if error is not silent or left <= ASK_S:
                raise
            continue
        if re.search(answer, said):
            return said
        raise DeviceError(
            f"the INA bridge does not know {command!r:.40}", hint="update its firmware"
        )


def _starts(ends: Floats, whole: Ints, period_s: float) -> tuple[Floats, Floats]:
    """Return where each sample begins and how long its sums are, each of shape (n,).

    A sample is of the time since the one before it; after a loss, of one period, though its sums
    are of all the time.
    """
    if not len(ends):
        return ends, ends
    width = np.concatenate(([period_s], np.maximum(np.diff(ends), 1e-6)))
    far = np.concatenate(([False], (whole > 1) & (np.diff(ends) > 1.5 * period_s)))
    return np.where(far, ends - period_s, ends - width), width


def _edge_free(lines: Lines, steps: Ints, count: int) -> Ints:
    """Return the steps of the sequence from sample to sample without the edges that came."""
    came = np.zeros(count + 1, np.int64)
    for before, *_ in lines.edges:
        came[min(before, count)] += 1
    return steps - came[1:count]


def _edge_times(lines: Lines, ends: Floats, count: int) -> list[tuple[float, Edge]]:
    """Return each edge's time on the clock of `ends`, and its direction."""
    found = []
    for before, ticks, edge in lines.edges:
        if before <= count:
            near = max(0, before - 1)
            since = (ticks - lines.time[near] + WRAP // 2) % WRAP - WRAP // 2
            found.append((float(ends[near]) + since * 1e-6, edge))
    return found


def _arrivals(recording: Recording, lines: Lines, ends_s: Floats) -> tuple[Floats, Floats]:
    """Return the time of the last sample of each chunk, and its arrival."""
    last, arrived_s = recording.last_of_chunks(np.array(lines.ends[: len(ends_s)], np.int64))
    return ends_s[last], arrived_s


def _regular(sequence: Ints, ms: Ints, rate_hz: float) -> tuple[Floats, float]:
    """Return times and period: by the sequence, where milliseconds follow it but for rounding."""
    if len(sequence) < 2:
        return np.zeros(len(sequence)), 1.0 / rate_hz
    steps, times = (sequence - sequence[0]).astype(np.float64), (ms - ms[0]) * 1e-3
    slope = float(times[-1] / steps[-1]) if times[-1] > 0 else 1.0 / rate_hz
    late = times - steps * slope
    if np.ptp(late) <= 2.1e-3:
        # Two time stamps of 1 ms are surer of the rate the further they are apart.
        nominal = 1.0 / rate_hz
        agrees = abs(slope - nominal) * steps[-1] <= 2.1e-3
        period = nominal if agrees else slope
        return steps * period, period
    rising = np.maximum.accumulate(times + np.arange(len(times)) * 1e-9)
    return rising, float(np.median(np.diff(times)) or 1.0 / rate_hz)


def _rate_in(said: bytes) -> float:
    for line in said.splitlines():
        try:
            reply = msgspec.json.decode(line, type=JsonSample)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if reply.cmd == "SR" and 0 < reply.hz <= 1e5:
            return reply.hz
    return 0.0


def _chip_in(data: bytes) -> str:
    match = re.search(rb'"chip":"(INA\d{3})"', data[:4096])
    return match[1].decode() if match else ""


def _restarted(lines: Lines, count: int) -> str | None:
    if count < len(lines.sequence):
        return "the bridge restarted: it counts anew, what came after is left out"
    return None


def _doubts(lines: Lines) -> list[str]:
    doubts = [f"the bridge says: {text}" for text in lines.texts]
    if lines.damaged:
        doubts.append(f"{lines.damaged} damaged lines were left out")
    if lines.missed_edges:
        doubts.append(f"the bridge missed {lines.missed_edges} edges of the gate")
    return doubts


def _lost_edges(ends: Floats, steps: Ints, period_s: float) -> list[str]:
    """Tell of lines that were lost and, by their time, were no samples."""
    samples = np.rint(np.diff(ends) / period_s).astype(np.int64)
    lost = int(np.maximum(0, steps - np.maximum(samples, 1)).sum())
    return [f"{lost} lines were lost that were no samples: edges of the gate"] if lost else []


def _compare_sums(
    lines: Lines, bridge: Bridge, volts: Floats, current: Floats, width: Floats
) -> list[str]:
    """Compare the samples with the INA228's own register of energy, where it has one."""
    if not bridge.accumulates or len(current) < 2:
        return []
    lsb = 51.2 * bridge.current_lsb_a  # 16 x 3.2 x current LSB: data sheet SBOSA20, ENERGY
    own = float(deltas(lines.energy)[: len(current)].sum()) * lsb
    ours = float((current * volts * width)[1:].sum())
    if abs(own - ours) > SUM_ERROR * abs(own) + 2 * lsb:
        return [f"the INA228 itself counted {own:.4g} J, the samples give {ours:.4g} J"]
    return []

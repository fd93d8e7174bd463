"""The STM X-NUCLEO-LPM01A and the PowerShield of the STM32L562E-DK: 1 Hz to 100 kHz over USB CDC.

Commands as the public MLPerf Tiny runner and Zephyr's PowerShield driver send them.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.device.meters.clock import fit_clock, place_marks
from edgeq.device.meters.lpm01a_stream import Items, parse_ascii, parse_binary, values_of
from edgeq.device.meters.recorder import Recording, drain, read_until
from edgeq.device.meters.sampling import edges_left_out, find_gaps, sort_marks
from edgeq.device.meters.streamed import StreamedMeter
from edgeq.device.meters.trace import Edge, Floats, Gap, Mark, Trace
from edgeq.device.streams import Stream

Ints = npt.NDArray[np.int64]
BAUD = 3_686_400
FREQUENCIES = (
    100_000, 50_000, 20_000, 10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1,
)  # fmt: skip
ASCII_HZ, ENERGY_HZ = 5000, 10_000
LOWEST_V, HIGHEST_V = 1.8, 3.3
# The dynamic mode ends at 50 mA by EEMBC's bill of materials.
END_A = 0.05
EVENT = "d7"
REPLY_S = 3.0
FULL_BUFFER = 90
VOLTAGE_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Lpm01aSettings:
    """How the shield is set."""

    voltage_v: float
    output: Literal["energy", "current"] = "energy"
    format: Literal["ascii", "binary"] = "ascii"
    frequency_hz: int = 1000


class Lpm01aMeter(StreamedMeter):
    """An LPM01A under the host's control, with the board powered."""

    def __init__(self, stream: Stream, settings: Lpm01aSettings) -> None:
        """Take control, set the shield, power the board.

        Raises:
            UsageError: a setting that the shield does not have.
            DeviceError: it does not answer, or refuses a command.
        """
        super().__init__(stream)
        check_settings(settings)
        self.name = "STMicroelectronics LPM01A"
        self.gates = (EVENT,) if settings.format == "ascii" else ()
        self._settings, self._period_s = settings, 1.0 / settings.frequency_hz
        if drain(stream, quiet_s=0.1, timeout_s=0.3):
            stream.write(b"stop\r\n")
            drain(stream, quiet_s=0.2, timeout_s=REPLY_S)
        for command in commands_of(settings):
            self._command(command)

    def _begin(self) -> None:
        self._stream.write(b"start\r\n")

    def _end(self) -> None:
        self._stream.write(b"stop\r\n")

    def _power_down(self) -> None:
        self._stream.write(b"pwr off\r\nhrc\r\n")

    def _command(self, command: str) -> None:
        """Send one command; raise DeviceError where the shield refuses it or is silent."""
        word = re.escape(command.split()[0]).encode()
        reply = re.compile(rb"(ack|error) +" + word + rb"[^\r\n]*[\r\n]")
        self._stream.write(f"{command}\r\n".encode())
        said = read_until(
            self._stream, lambda data: bool(reply.search(data)), timeout_s=REPLY_S,
            error=DeviceError(
                f"the LPM01A does not answer '{command}'",
                hint="is it powered, in no program's use, and its port at 3,686,400 baud?",
            ),
        )  # fmt: skip
        answer = reply.search(said)
        if answer and answer[1] == b"error":
            said += drain(self._stream, quiet_s=0.1, timeout_s=1.0)
            detail = re.search(rb"Error detail: *([^\r\n]*)", said)
            why = one_line(detail[1].decode("ascii", "replace")) if detail else "no reason given"
            raise DeviceError(f"the LPM01A refuses '{command}': {why[:200]}", hint=_hint(command))

    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        settings, period = self._settings, self._period_s
        items = (parse_ascii if settings.format == "ascii" else parse_binary)(recording.data)
        missing, doubts = count_missing(items, settings.frequency_hz)
        index = np.arange(len(items.values)) + np.cumsum(missing)[: len(items.values)]
        time_s: Floats = np.asarray(index * period, np.float64)
        values = values_of(items)
        power = values * settings.voltage_v if settings.output == "current" else values / period
        current = power / settings.voltage_v
        clock, end_s = None, 0.0
        if len(time_s):
            end_s = float(time_s[-1]) + period
            last, arrived_s = recording.last_of_chunks(np.array(items.ends, np.int64))
            clock = fit_clock(time_s[last] + period, arrived_s)
        events = find_events(items, missing, EVENT, period)
        return Trace(
            meter=f"{self.name} ({settings.output}, {settings.format})", period_s=period,
            voltage_v=settings.voltage_v, time_s=time_s, current_a=current, power_w=power,
            clipped=current >= END_A * 0.999,
            gaps=(*_outer_gap(0.0, missing[0] if len(time_s) else 0, period),
                  *find_gaps(time_s, period), *_outer_gap(end_s, missing[-1], period)),
            marks=sort_marks(events, place_marks(clock, noted, period)),
            fault=recording.fault or _fault(items),
            warnings=(*doubts, *edges_left_out([events]), *self._doubts(items)),
        )  # fmt: skip

    def _doubts(self, items: Items) -> Iterable[str]:
        """Yield what the shield said, and what a reader of the figures should know."""
        for note in items.notes:
            if note.kind == "text":
                yield f"the LPM01A says: {note.text}"
        if items.fullest >= FULL_BUFFER:
            yield f"the LPM01A's buffer was {items.fullest} % full"
        volts = [note.value / 1000 for note in items.notes if note.kind == "voltage"]
        wanted = self._settings.voltage_v
        if any(abs(v - wanted) > VOLTAGE_ERROR * wanted for v in volts):
            yield f"the LPM01A gave {min(volts):g} to {max(volts):g} V, not {wanted:g}"


def check_settings(settings: Lpm01aSettings) -> None:
    """Raise UsageError for a setting that the shield does not have."""
    if settings.frequency_hz not in FREQUENCIES:
        raise UsageError(
            f"an LPM01A has no sample rate of {settings.frequency_hz} Hz",
            hint=f"choose one of {', '.join(map(str, FREQUENCIES))}",
        )
    if settings.format == "ascii" and settings.frequency_hz > ASCII_HZ:
        raise UsageError(
            f"in ASCII an LPM01A keeps up to {ASCII_HZ} Hz, not {settings.frequency_hz}",
            hint="format=binary is faster, but tells no events",
        )
    if settings.output == "energy" and settings.frequency_hz > ENERGY_HZ:
        raise UsageError(
            f"an LPM01A gives energy up to {ENERGY_HZ} Hz, not {settings.frequency_hz}",
            hint="output=current is faster",
        )
    if not LOWEST_V <= settings.voltage_v <= HIGHEST_V:
        raise UsageError(
            f"an LPM01A has {LOWEST_V:g} to {HIGHEST_V:g} V, not {settings.voltage_v:g}",
            hint="give the board's supply in volts: voltage=3.3",
        )


def commands_of(settings: Lpm01aSettings) -> tuple[str, ...]:
    """Return the commands that set the shield, in their order."""
    hz = settings.frequency_hz
    events = (f"eventsrc {EVENT} fal",) if settings.format == "ascii" else ()
    return (
        "htc", 'lcd 1 "     edgeq      "', "pwr off", "acqtime inf", "trigdelay 0", "trigsrc sw",
        *events, f"output {settings.output}",
        f"format {'ascii_dec' if settings.format == 'ascii' else 'bin_hexa'}",
        f"freq {f'{hz // 1000}k' if hz >= 1000 else hz}", f"volt {settings.voltage_v * 1000:.0f}m",
        "pwr on nostatus",
    )  # fmt: skip


def count_missing(items: Items, frequency_hz: int) -> tuple[Ints, list[str]]:
    """Return how many samples were lost before each, shape (n + 1,), and what is doubtful.

    The time stamps say how many samples there should be between two of them. What is lost stands
    where a line was damaged, or else before the later stamp.
    """
    missing = np.zeros(len(items.values) + 1, np.int64)
    doubts: list[str] = []
    last_ms, last_count, damaged = 0.0, 0, []
    known = False
    for note in items.notes:
        if note.kind == "damage":
            missing[note.samples] += 1
            damaged.append(note.samples)
        elif note.kind == "stamp":
            had = note.samples - last_count + len(damaged)
            lost = round((note.value - last_ms) * frequency_hz / 1000) - had
            sensible = known or lost <= max(had, frequency_hz)
            if sensible and lost > 0:
                missing[damaged[0] if damaged else note.samples] += lost
            elif lost < 0:
                doubts.append(f"{-lost} samples more than the time stamps allow")
            last_ms, last_count, damaged, known = note.value, note.samples, [], True
    if missing.any():
        doubts.append("where in the span between two time stamps samples were lost is not known")
    return missing, doubts[:10]


def find_events(items: Items, missing: Ints, channel: str, period_s: float) -> list[Mark]:
    """Return a mark for each event: one that stands after sample k fell into that sample.

    A loss between the same two time stamps may lie on either side of it.
    """
    before = np.append(0, np.cumsum(missing))  # before[k]: lost before the place of sample k - 1
    stamps = [0, *(n.samples for n in items.notes if n.kind == "stamp"), len(items.values)]
    marks = []
    for note in items.notes:
        if note.kind == "event":
            low = stamps[max(0, bisect_left(stamps, note.samples) - 1)]
            high = stamps[min(len(stamps) - 1, bisect_right(stamps, note.samples))]
            unsure = int(before[high + 1] - before[low])
            edge: Edge = "rising" if note.text == "rising" else "falling"
            moment = (note.samples + int(before[note.samples])) * period_s
            marks.append(Mark(moment, channel, edge, (1 + unsure) * period_s))
    return marks


def _outer_gap(start_s: float, lost: int, period_s: float) -> list[Gap]:
    """Return the gap of what was lost before the first sample or after the last, if anything."""
    return [Gap(start_s, start_s + int(lost) * period_s, int(lost))] if lost else []


def _fault(items: Items) -> str | None:
    """Return why the shield itself ended or spoilt the recording, None where it did not."""
    for note in items.notes:
        if note.kind == "text" and re.search("overcurrent|power-down|error", note.text, re.I):
            return f"the LPM01A says: {note.text}"
    return None


def _hint(command: str) -> str:
    if command.startswith(("pwr off", "eventsrc")):
        return "old firmware refuses this: update the shield to 1.0.6 or later"
    return "the shield's firmware may be old: update it to 1.0.6 or later"

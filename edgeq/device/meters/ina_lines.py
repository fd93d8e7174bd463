"""The lines of the two INA bridges: edgeq's own sketch, and JSON lines of `INA_Series_Sensor`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from edgeq.core.errors import DeviceError, one_line
from edgeq.device.meters.sampling import EDGES, MAX_EDGES
from edgeq.device.meters.trace import Edge, Floats

Ints = npt.NDArray[np.int64]
HELLO = re.compile(r"#ina-bridge,1,(INA\d{3}),(\d{1,10}),(\d{1,10}),(\d{1,10}),([01]),(\d{1,10})")
NUMBERS = re.compile(rb"([se])((?:,-?\d{1,10}){4,6})")
WRAP = 1 << 32
# A counter that goes on from further away is another count: the bridge restarted.
MAX_LEAP = 1 << 15
MAX_TEXTS = 10
# Volts and amperes that no INA has.
MAX_VALUE = 1000.0


class Bridge(NamedTuple):
    """What the sketch says of itself: amperes and volts a step, amperes at its end."""

    chip: str
    current_lsb_a: float
    bus_lsb_v: float
    end_a: float
    accumulates: bool
    period_s: float


@dataclass(slots=True)
class Lines:
    """Samples of a stream, column by column, and what else was in it.

    `time` counts modulo 2**32, in microseconds where it must `rise` and in milliseconds otherwise;
    `sequence` counts modulo `modulo`. An edge is (sample lines before it, time, direction).
    """

    rise: bool
    modulo: int
    sequence: array[int] = field(default_factory=lambda: array("q"))
    time: array[int] = field(default_factory=lambda: array("q"))
    bus: array[float] = field(default_factory=lambda: array("d"))
    current: array[float] = field(default_factory=lambda: array("d"))
    energy: array[int] = field(default_factory=lambda: array("q"))
    charge: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    edges: list[tuple[int, int, Edge]] = field(default_factory=list)
    damaged: int = 0
    missed_edges: int = 0
    texts: list[str] = field(default_factory=list)


class JsonSample(msgspec.Struct):
    """A line of `INA_Series_Sensor`; samples have no `type`, replies have one."""

    type: str = ""
    msg: str = ""
    cmd: str = ""
    chip: str = ""
    hz: float = 0.0
    seq: int = -1
    t_ms: int = 0
    bus_V: float = 0.0
    current_A: float = 0.0


def checked(line: bytes) -> bytes | None:
    """Return what stands before '*', where the XOR of its bytes is what stands behind it."""
    body, star, digits = line.rpartition(b"*")
    if not star or not re.fullmatch(rb"[0-9A-F]{2}", digits):
        return None
    found = 0
    for byte in body:
        found ^= byte
    return body if found == int(digits, 16) else None


def parse_hello(line: bytes) -> Bridge | None:
    """Return the bridge that a line tells of, None where it tells of none.

    Raises:
        DeviceError: a figure is zero.
    """
    body = checked(line)
    match = HELLO.fullmatch(body.decode("ascii", "replace")) if body else None
    if match is None:
        return None
    current, bus, end, period = (int(match[i]) for i in (2, 3, 4, 6))
    if not (current and bus and end and period):
        raise DeviceError(
            "the bridge's first line has a figure of zero",
            hint="set shunt and current in the sketch",
        )
    return Bridge(
        match[1], current * 1e-12, bus * 1e-12, end * 1e-6, match[5] == "1", period * 1e-6
    )


def parse_own(data: bytes) -> Lines:
    """Take the sketch's stream apart; raw registers are left raw."""
    lines = Lines(True, 1 << 16)
    for end, line in _split(data):
        body = checked(line)
        match = NUMBERS.fullmatch(body) if body else None
        numbers = [int(n) for n in match[2].split(b",")[1:]] if match else []
        if match and match[1] == b"s" and len(numbers) == 6:
            _append(lines, end, *numbers)
        elif match and match[1] == b"e" and len(numbers) == 4 and len(lines.edges) < MAX_EDGES:
            _, time, level, missed = numbers
            lines.edges.append((len(lines.time), time, EDGES[level != 0]))
            lines.missed_edges += missed
        elif not (body and body.startswith(b"#")):
            lines.damaged += 1
    return lines


def parse_json(data: bytes) -> Lines:
    """Take a stream of JSON lines apart: amperes and volts."""
    lines = Lines(False, WRAP)
    decode = msgspec.json.Decoder(JsonSample).decode
    for end, line in _split(data):
        try:
            sample = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lines.damaged += 1
            continue
        if sample.type == "ERR" and len(lines.texts) < MAX_TEXTS:
            lines.texts.append(one_line(sample.msg[:200]))
        elif not sample.type and _is_sound(sample):
            _append(lines, end, sample.seq, sample.t_ms, sample.bus_V, sample.current_A)
        elif not sample.type:
            lines.damaged += 1
    return lines


def unwrap(values: array[int], modulo: int) -> Ints:
    """Return a counter that wraps as one that does not, from its first value, shape (n,)."""
    first = np.array(values[:1], np.int64)
    return np.concatenate((first, first + np.cumsum(_steps(values, modulo))))


def restart_of(lines: Lines) -> int:
    """Return the first sample after the bridge counted anew; the number of samples if never."""
    steps = _steps(lines.sequence, lines.modulo)
    wrong = (steps > MAX_LEAP) | (steps == 0)
    if lines.rise:
        ticks = _steps(lines.time, WRAP)
        wrong |= (ticks == 0) | (ticks > WRAP // 2)
    leaps = np.flatnonzero(wrong)
    return int(leaps[0]) + 1 if len(leaps) else len(lines.sequence)


def deltas(values: array[int]) -> Floats:
    """Return how far a 32-bit register went, with its sign, since the sample before, shape (n,)."""
    steps = _steps(values, WRAP)
    signed = np.where(steps >= WRAP // 2, steps - WRAP, steps).astype(np.float64)
    return np.concatenate((np.zeros(min(1, len(values))), signed))


def _steps(values: array[int], modulo: int) -> Ints:
    raw = np.array(values, np.int64)
    return np.asarray((raw[1:] - raw[:-1]) % modulo)


def _is_sound(sample: JsonSample) -> bool:
    counts = 0 <= sample.seq < WRAP and 0 <= sample.t_ms < WRAP
    return counts and abs(sample.bus_V) <= MAX_VALUE and abs(sample.current_A) <= MAX_VALUE


def _append(
    lines: Lines, end: int, sequence: int, time: int, bus: float, current: float,
    energy: int = 0, charge: int = 0,
) -> None:  # fmt: skip
    lines.sequence.append(sequence % lines.modulo)
    lines.time.append(time % WRAP)
    lines.bus.append(bus)
    lines.current.append(current)
    lines.energy.append(energy % WRAP)
    lines.charge.append(charge % WRAP)
    lines.ends.append(end)


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each whole line with the byte after it; what follows the last line end is none."""
    at = 0
    for line in data.splitlines(keepends=True):
        at += len(line)
        text = line.strip()
        if text and line.endswith((b"\n", b"\r")):
            yield at, text

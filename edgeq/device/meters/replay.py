"""Recordings in files, and the meter that plays one back."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes, write_atomic
from edgeq.core.records import Record
from edgeq.data.readers import read_npz_arrays
from edgeq.device.meters.sampling import find_edges, find_gaps, sort_marks
from edgeq.device.meters.trace import Floats, Gap, Mark, Trace, as_simulated

MAX_CSV_BYTES = 256 << 20
MAX_SAMPLES = 40_000_000
MAX_LINE = 4096  # characters of a CSV's line
MAX_CHANNELS = 64
# No meter samples faster, and no second, ampere, watt or volt of a recording is beyond.
SHORTEST_S, LARGEST = 1e-9, 1e9
# A host that replays knows the moment of a marker no better than its own scheduling.
MARKER_S = 1e-3
COLUMNS = ("time_s", "current_a", "voltage_v", "power_w", "clipped")
DIGITAL = tuple(f"d{i}" for i in range(8))


class TraceHead(Record, frozen=True, kw_only=True):
    """What an .npz of a trace holds beside its arrays, as JSON in the array `head`."""

    schema: Literal["edgeq.trace/1"] = "edgeq.trace/1"
    meter: str
    period_s: float
    voltage_v: float
    gaps: tuple[Gap, ...] = ()
    marks: tuple[Mark, ...] = ()
    fault: str | None = None
    warnings: tuple[str, ...] = ()


class ReplayMeter:
    """Plays a recording back as if it were measured now.

    Marks of the recording stand; in one without marks, `mark` adds the host's, by the time that
    has passed since `start`.
    """

    gates: tuple[str, ...]

    def __init__(self, trace: Trace) -> None:
        self._trace = as_simulated(trace)
        self.name = self._trace.meter
        self.gates = tuple(sorted({m.channel for m in trace.marks if m.edge != "marker"}))
        self._started = time.monotonic()
        self._marks: list[Mark] = []

    def start(self) -> None:
        """Begin to play."""
        self._started, self._marks = time.monotonic(), []

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Add a marker, where the recording has none of its own."""
        moment = (time.monotonic() if at_s is None else at_s) - self._started
        self._marks.append(Mark(moment, name, "marker", MARKER_S + uncertainty_s))

    def stop(self) -> Trace:
        """Return the whole recording."""
        if self._trace.marks:
            return self._trace
        return replace(self._trace, marks=sort_marks(self._marks))

    def close(self) -> None:
        """Nothing to give back."""


def write_trace(path: Path, trace: Trace) -> None:
    """Write a trace as a compressed .npz (no pickle), atomically."""
    head = TraceHead(
        meter=trace.meter, period_s=trace.period_s, voltage_v=trace.voltage_v, gaps=trace.gaps,
        marks=trace.marks, fault=trace.fault, warnings=trace.warnings,
    )  # fmt: skip
    out = io.BytesIO()
    np.savez_compressed(
        out, head=np.frombuffer(msgspec.json.encode(head), np.uint8), time_s=trace.time_s,
        current_a=trace.current_a, power_w=trace.power_w, clipped=trace.clipped,
    )  # fmt: skip
    write_atomic(path, out.getvalue())


def read_trace(path: Path) -> Trace:
    """Read a trace from an .npz that `write_trace` wrote, or from a CSV.

    A CSV has a header line: time_s, current_a and voltage_v or power_w (or both), and as it likes
    clipped (0 or 1) and d0 to d7 (0 or 1), of which each edge becomes a mark.

    Raises:
        InputError: it is damaged, too large, or not a trace.
    """
    path = Path(path)
    trace = _read_csv(path) if path.suffix.lower() == ".csv" else _read_npz(path)
    _check_trace(path, trace)
    return trace


def _read_npz(path: Path) -> Trace:
    arrays = read_npz_arrays(path)
    missing = [n for n in ("head", "time_s", "current_a", "power_w", "clipped") if n not in arrays]
    if missing:
        raise _no_trace(path, f"it has no array {', '.join(missing)}")
    if arrays["head"].dtype != np.uint8:
        raise _no_trace(path, f"its head is of {arrays['head'].dtype}, not of bytes")
    try:
        head = msgspec.json.decode(arrays["head"].tobytes(), type=TraceHead)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_trace(path, f"its head is damaged: {error}") from error
    return Trace(
        meter=head.meter, period_s=head.period_s, voltage_v=head.voltage_v,
        time_s=_floats(arrays["time_s"]), current_a=_floats(arrays["current_a"]),
        power_w=_floats(arrays["power_w"]), clipped=arrays["clipped"].astype(np.bool_),
        gaps=head.gaps, marks=head.marks, fault=head.fault, warnings=head.warnings,
    )  # fmt: skip


def _read_csv(path: Path) -> Trace:
    columns = _csv_columns(path)
    time_s, current = columns["time_s"], columns["current_a"]
    if len(time_s) < 2:
        raise _no_trace(path, "it has fewer than two samples")
    _check_figures(path, columns.values())
    period = float(np.median(np.diff(time_s)))
    power = columns.get("power_w")
    if power is None:
        power = current * columns["voltage_v"]
    charge = float(current.sum())
    volts = columns.get("voltage_v")
    voltage = float(volts.mean()) if volts is not None else float(power.sum()) / (charge or 1.0)
    return Trace(
        meter=f"recording {path.name}", period_s=period, voltage_v=voltage, time_s=time_s,
        current_a=current, power_w=power, gaps=find_gaps(time_s, period),
        clipped=np.asarray(columns.get("clipped", np.zeros(len(time_s))) != 0, np.bool_),
        marks=_csv_marks(columns),
    )  # fmt: skip


def _csv_columns(path: Path) -> dict[str, Floats]:
    """Return the columns of a CSV by name, each of shape (n,)."""
    raw = read_bytes(path, what="recording", limit=MAX_CSV_BYTES)
    if max(map(len, io.BytesIO(raw)), default=0) > MAX_LINE:
        raise _no_trace(path, f"it has a line of more than {MAX_LINE:,} bytes")
    head, _, body = raw.decode("utf-8-sig", "replace").partition("\n")
    names = [name.strip() for name in head.split(",")]
    unknown = [name for name in names if name not in (*COLUMNS, *DIGITAL)]
    needed = {"time_s", "current_a"} - set(names)
    if unknown or needed or len(set(names)) < len(names):
        raise _no_trace(path, f"its first line is {head.strip()[:100]!r}")
    if not {"voltage_v", "power_w"} & set(names):
        raise _no_trace(path, "it has neither a column voltage_v nor power_w")
    if not body.strip():
        raise _no_trace(path, "it has no samples")
    try:
        rows = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise _no_trace(path, str(error)) from error
    if rows.shape[1] != len(names):
        raise _no_trace(path, f"its lines have {rows.shape[1]} values, its header {len(names)}")
    return {name: np.ascontiguousarray(rows[:, i]) for i, name in enumerate(names)}


def _csv_marks(columns: dict[str, Floats]) -> tuple[Mark, ...]:
    wired = [name for name in DIGITAL if name in columns]
    return sort_marks(*(find_edges(n, columns[n] != 0, columns["time_s"]) for n in wired))


def _floats(array: npt.NDArray[Any]) -> Floats:
    return np.ascontiguousarray(array, np.float64)


def _check_figures(path: Path, arrays: Iterable[Floats]) -> None:
    """Raise InputError where a figure is not finite, or beyond what any meter gives."""
    for array in arrays:
        if not np.isfinite(array).all():
            raise _no_trace(path, "it has values that are not finite")
        if np.abs(array).max(initial=0.0) > LARGEST:
            raise _no_trace(path, f"it has values beyond {LARGEST:g}, which no meter gives")


def _check_trace(path: Path, trace: Trace) -> None:
    """Raise InputError where the trace is not what its docstring says."""
    arrays = (trace.time_s, trace.current_a, trace.power_w)
    if any(a.shape != (len(trace.time_s),) for a in (*arrays, trace.clipped)):
        raise _no_trace(path, "its arrays differ in shape")
    if len(trace.time_s) > MAX_SAMPLES:
        raise _no_trace(path, f"it has more than {MAX_SAMPLES:,} samples")
    marked = [x for m in trace.marks for x in (m.time_s, m.uncertainty_s)]
    _check_figures(path, (*arrays, np.array([trace.voltage_v]), np.array(marked)))
    if not SHORTEST_S <= trace.period_s <= LARGEST:
        raise _no_trace(path, f"its sample period is {trace.period_s:g} s")
    if len(trace.time_s) and (np.any(np.diff(trace.time_s) <= 0) or trace.time_s[0] < 0):
        raise _no_trace(path, "its times do not rise")
    spans = [(g.start_s, g.end_s, g.samples) for g in trace.gaps]
    if any(not a < b or n < 1 for a, b, n in spans) or spans != sorted(spans):
        raise _no_trace(path, "its gaps are not in order")
    if any(mark.uncertainty_s < 0 for mark in trace.marks):
        raise _no_trace(path, "a mark has an uncertainty below zero")
    if marked[::2] != sorted(marked[::2]):
        raise _no_trace(path, "its marks are not in order")
    if len({m.channel for m in trace.marks if m.edge != "marker"}) > MAX_CHANNELS:
        raise _no_trace(path, f"it has edges on more than {MAX_CHANNELS} channels")


def _no_trace(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} is no recording of a meter: {why}",
        hint="an .npz that `edgeq meters record` wrote, or a CSV: time_s,current_a,voltage_v[,d0]",
    )

"""The host's side of an energy measurement: idle, windows of inferences, idle, all marked."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from edgeq.bench.energy import label_trace, measure_energy
from edgeq.bench.gating import MARKER, mark_name
from edgeq.bench.pulses import TEXT
from edgeq.bench.requests import MeterRequest
from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, EdgeqError, UsageError, did_you_mean
from edgeq.core.files import refuse_unwritable
from edgeq.core.records import EnergyRecord
from edgeq.device.meters.replay import write_trace
from edgeq.device.meters.trace import Meter, Trace
from edgeq.device.session import MAX_RUNS

ROUND_TRIPS = 5
ANSWER_S = 10.0
SHORTEST_S = 1e-6
GROWTH = 10.0  # at most, from one trial to the next
PAUSE_S = 0.05  # between windows: longer than a marker is uncertain, so that none meets another
SLOWER = 5.0  # than the windows before: then the board is taken for lost


class Runner(Protocol):
    """What runs inferences back to back: `BoardSession`, or another road to a board."""

    def invoke_quietly(self, runs: int, *, timeout_s: float) -> None:
        """Run the model `runs` times with nothing between; return when the last is done."""


@contextmanager
def opened_meter(request: MeterRequest | None) -> Iterator[Meter | None]:
    """Open the meter of a request, which gives the board its power; None for no request.

    Raises:
        UsageError: no such meter.
        DeviceError: the meter does not answer.
    """
    from edgeq.device.meters.table import open_meter

    if request is None:
        yield None
        return
    if request.keep is not None:
        refuse_unwritable(request.keep)
    meter = open_meter(request.meter)
    try:
        yield meter
    finally:
        meter.close()


class Stopwatch:
    """Marks of the host around requests, each with what the link's round trip leaves open.

    The board begins and ends half a round trip, more or less, from when the host asks and hears.
    """

    def __init__(self, session: Runner, meter: Meter) -> None:
        self._session, self._meter = session, meter
        trips = [self.run(0, ANSWER_S) for _ in range(ROUND_TRIPS)]
        self._half_trip_s = min(trips) / 2

    def run(self, inferences: int, timeout_s: float) -> float:
        """Run inferences back to back; return seconds, the round trip included."""
        started = time.monotonic()
        self._session.invoke_quietly(inferences, timeout_s=timeout_s)
        return time.monotonic() - started

    def without_trip(self, seconds: float) -> float:
        """Return the seconds of a run without those of the round trip."""
        return max(SHORTEST_S, seconds - 2 * self._half_trip_s)

    def window(self, index: int, inferences: int, timeout_s: float) -> None:
        """Run and mark a window, some time after what was before."""
        time.sleep(PAUSE_S)
        began = time.monotonic()
        seconds = self.run(inferences, timeout_s)
        half = self._half_trip_s
        self._mark(mark_name("window", index, "begin", inferences), began + half, half)
        self._mark(mark_name("window", index, "end"), began + seconds - half, half)

    def idle(self, index: int, seconds: float) -> None:
        """Let the board wait for a request, and mark it."""
        began = time.monotonic()
        time.sleep(seconds)
        self._mark(mark_name("idle", index, "begin"), began)
        self._mark(mark_name("idle", index, "end"), time.monotonic())

    def _mark(self, name: str, at_s: float, uncertainty_s: float = 0.0) -> None:
        self._meter.mark(name, at_s=at_s, uncertainty_s=uncertainty_s)


def choose_inferences(watch: Stopwatch, window_s: float, timeout_s: float) -> tuple[int, float]:
    """Return how many inferences fill a window, and the seconds of one.

    More and more are timed, until they fill a tenth of a window, and as many once more: the faster
    time counts, so that no window is too short.
    """
    some, seconds = 1, watch.run(1, timeout_s)
    while seconds < 0.1 * window_s and some < MAX_RUNS:
        longer = min(GROWTH, 0.1 * window_s / max(seconds, SHORTEST_S))
        some = min(MAX_RUNS, max(some + 1, math.ceil(some * longer)))
        seconds = watch.run(some, timeout_s)
    each = watch.without_trip(min(seconds, watch.run(some, timeout_s))) / some
    wanted = math.ceil(window_s / each)
    if wanted > MAX_RUNS:
        raise UsageError(
            f"a window of {window_s:g} s would hold {wanted:,} inferences, more than {MAX_RUNS:,}",
            hint=f"choose --window-seconds {MAX_RUNS * each:.3g} or less",
        )
    return wanted, each


def record_windows(
    session: Runner, meter: Meter, request: MeterRequest, *, first_timeout_s: float = 120.0
) -> int:
    """Run idle, windows and idle on a board whose meter records; return inferences a window."""
    watch = Stopwatch(session, meter)
    inferences, each = choose_inferences(watch, request.window_s, first_timeout_s)
    timeout_s = ANSWER_S + SLOWER * inferences * each
    if request.idle_s:
        watch.idle(0, request.idle_s)
    for index in range(request.windows):
        watch.window(index, inferences, timeout_s)
    if request.idle_s:
        watch.idle(1, request.idle_s)
    return inferences


def meter_board(session: Runner, meter: Meter, request: MeterRequest, board: Board) -> EnergyRecord:
    """Measure the energy of the inference whose input the board holds.

    Raises:
        DeviceError: the board or the meter was lost, or the gate gave no window; what was recorded
            is kept in a file that the error names.
        UsageError: the gate is no channel of the meter.
    """
    check_gate(meter, request.gate)
    meter.start()
    try:
        inferences = record_windows(session, meter, request)
    except DeviceError as error:
        trace = label_trace(meter.stop(), board=board.kind, driver=request.driver)
        kept = keep_trace(trace, request, board)
        raise DeviceError(
            f"{trace.fault or error.cause}; what was recorded is kept in {kept}", hint=error.hint
        ) from error
    trace = label_trace(meter.stop(), board=board.kind, driver=request.driver)
    try:
        energy = measure_energy(trace, request.gate, inferences=inferences, windows=request.windows)
    except EdgeqError as error:
        kept = keep_trace(trace, request, board)
        raise DeviceError(
            f"{error.cause}; the recording is kept in {kept}", hint=error.hint
        ) from error
    if request.keep is None and trace.fault is None:
        return energy
    return replace(energy, recording=str(keep_trace(trace, request, board)))


def check_gate(meter: Meter, gate: str) -> None:
    """Raise UsageError for a gate that is no channel of the meter, and no text of markers."""
    known = ("auto", MARKER, *meter.gates)
    if gate not in known and not gate.startswith(TEXT):
        raise UsageError(
            f"{meter.name} has no channel {gate!r}.{did_you_mean(gate, known)}",
            hint=f"--gate takes {', '.join(known)}",
        )


def keep_trace(trace: Trace, request: MeterRequest, board: Board) -> Path:
    """Write the recording to the request's file, or to one named for the board."""
    path = request.keep or _free_path(f"edgeq-{board.id}-incomplete")
    write_trace(path, trace)
    return path


def _free_path(stem: str) -> Path:
    """Return a name in the current folder that no file has: a recording is never written over."""
    names = (Path(f"{stem}{f'-{i}' if i > 1 else ''}.npz") for i in count(1))
    return next(path for path in names if not os.path.lexists(path))

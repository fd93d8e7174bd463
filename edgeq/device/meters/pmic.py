"""The power-management chip of a Raspberry Pi 5, read with `vcgencmd pmic_read_adc`.

It tells current and voltage of each rail behind it. What hangs on the 5 V input itself (USB, HATs,
the fan) and the chip's own losses are not in them, and it is read a few times a second only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from edgeq.core.errors import DeviceError, EdgeqError, UsageError
from edgeq.core.processes import TimedOut, find_tool, run
from edgeq.device.meters.clock import HostClock, HostMarks, place_marks
from edgeq.device.meters.recorder import LIMIT_S
from edgeq.device.meters.sampling import find_gaps, sort_marks
from edgeq.device.meters.trace import Floats, Trace

COMMAND = ("vcgencmd", "pmic_read_adc")
LINE = re.compile(
    r"^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(\d{1,4}(?:\.\d{1,12})?)[AV]\s*$", re.M
)
READ_S = 5.0
MAX_TEXT = 1 << 16
MAX_FAILURES = 5
# Both are told by their voltage alone.
INPUT, BATTERY = "EXT5V", "BATT"
LEFT_OUT = "the PMIC leaves out what hangs on 5 V (USB, HATs, fan) and its own losses"
Run = Callable[[Sequence[str]], str]


class Reading(NamedTuple):
    """One reading: watts of all rails, volts of the input; taken between two moments."""

    before_s: float
    after_s: float
    power_w: float
    input_v: float


class PmicMeter(HostMarks):
    """Reads the rails at a steady rate in a thread of its own.

    Args:
        rate_hz: readings a second.
        execute: runs a command and returns its stdout, raising EdgeqError where it fails: on this
            computer, or over ssh.
    """

    name = "Raspberry Pi 5 PMIC"
    gates: tuple[str, ...] = ()

    def __init__(self, *, rate_hz: float = 10.0, execute: Run | None = None) -> None:
        """Read once; raise DeviceError where there is no such chip."""
        super().__init__()
        self._period_s = 1.0 / rate_hz
        self._execute = execute or run_here
        self._readings: list[Reading] = []
        self._fault: str | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._read()

    def start(self) -> None:
        """Begin to read."""
        self._readings, self._noted, self._fault = [self._read()], [], None
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, daemon=True, name="edgeq-pmic")
        self._thread.start()

    def stop(self) -> Trace:
        """End with one more reading, behind the last mark; each holds until the next one."""
        if self._thread is None:
            raise UsageError(f"{self.name} was not started", hint="call start() before stop()")
        self.close()
        readings = self._readings
        moments = np.array([(r.before_s + r.after_s) / 2 for r in readings])
        power = np.array([r.power_w for r in readings])
        volts = np.array([r.input_v for r in readings])
        slack = max((r.after_s - r.before_s) / 2 for r in readings)
        clock = HostClock(float(moments[0]), 1.0, slack)
        time_s: Floats = np.asarray(moments - moments[0], np.float64)
        return Trace(
            meter=self.name, period_s=self._period_s, voltage_v=float(volts.mean()),
            time_s=time_s, current_a=power / volts, power_w=power,
            clipped=np.zeros(len(power), np.bool_), gaps=find_gaps(time_s, self._period_s),
            marks=sort_marks(place_marks(clock, self._noted, self._period_s)),
            fault=self._fault, warnings=(LEFT_OUT,),
        )  # fmt: skip

    def close(self) -> None:
        """End the thread, which reads once more. May be called twice."""
        self._ending.set()
        if self._thread is not None:
            # Each reading has its own limit.
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        failures = 0
        begun = due = time.monotonic()
        ending = False
        while self._fault is None and not ending:
            due += self._period_s
            # A late reading is not caught up with: the gap is told of.
            due = max(due, time.monotonic())
            ending = self._ending.wait(max(0.0, due - time.monotonic()))
            try:
                self._readings.append(self._read())
                failures = 0
            except EdgeqError as error:
                failures += 1
                if failures == MAX_FAILURES:
                    self._fault = f"{error.cause}, {failures} times in a row"
            if time.monotonic() - begun > LIMIT_S:
                self._fault = f"the recording reached its limit of {LIMIT_S:g} s"

    def _read(self) -> Reading:
        before = time.monotonic()
        text = self._execute(COMMAND)
        power, volts = parse_rails(text)
        return Reading(before, time.monotonic(), power, volts)


def run_here(argv: Sequence[str]) -> str:
    """Run a command on this computer and return its stdout.

    Raises:
        DeviceError: it is not there, failed or did not end in time.
    """
    if find_tool(argv[0]) is None:
        raise DeviceError(
            f"there is no {argv[0]} on this computer", hint="this meter is of a Raspberry Pi 5"
        )
    try:
        done = run(argv, timeout_s=READ_S)
    except TimedOut as error:
        raise DeviceError(
            f"{' '.join(argv)} did not end within {READ_S:g} s",
            hint="does it answer in a terminal? restart the Raspberry Pi if not",
        ) from error
    if done.returncode != 0:
        raise DeviceError(
            f"{' '.join(argv)} failed with exit code {done.returncode}",
            hint="only a Raspberry Pi 5 has this chip; may you use /dev/vcio?",
        )
    return done.stdout


def parse_rails(text: str) -> tuple[float, float]:
    """Return the watts of all rails, and the volts of the 5 V input.

    Raises:
        DeviceError: it names no rail with both current and voltage, or no input.
    """
    values: dict[tuple[str, str], float] = {}
    for name, unit, value in LINE.findall(text[:MAX_TEXT]):
        values[name, unit] = float(value)
    rails = {name for name, _ in values} - {INPUT, BATTERY}
    lame = sorted(n for n in rails if (n, "A") not in values or (n, "V") not in values)
    if not rails or lame or not values.get((INPUT, "V")):
        what = f"half of {', '.join(lame)[:100]}" if lame else "no rails, or no 5 V input"
        raise DeviceError(
            f"vcgencmd pmic_read_adc tells {what}",
            hint="only a Raspberry Pi 5 has this chip; is its firmware up to date?",
        )
    return sum(values[n, "A"] * values[n, "V"] for n in rails), values[INPUT, "V"]

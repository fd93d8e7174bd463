"""A board and a meter on a clock of their own, that goes on only when something takes time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgeq.core.errors import DeviceError
from edgeq.device.meters.trace import Mark, Trace

ACTIVE_W, IDLE_W, VOLTS, PERIOD_S = 30e-3, 3e-3, 3.0, 1e-4


@dataclass
class Clock:
    """Stands in for the module `time`."""

    now: float = 1000.0

    def monotonic(self) -> float:
        """Return the seconds so far."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


@dataclass
class TimedRunner:
    """Runs inferences that take their time; `busy` are the spans in which it did."""

    clock: Clock
    inference_s: float = 1e-3
    link_s: float = 0.0
    dies_at_run: int | None = None
    dies_of: BaseException = field(
        default_factory=lambda: DeviceError("the board fell silent", hint="reset it")
    )
    busy: list[tuple[float, float, int]] = field(default_factory=list)

    def invoke_quietly(self, runs: int, *, timeout_s: float) -> None:
        """Sleep as long as `runs` inferences take, with the link's delay before and after."""
        assert timeout_s > 0
        if self.dies_at_run is not None and len(self.busy) >= self.dies_at_run:
            raise self.dies_of
        self.clock.sleep(self.link_s / 2)
        if runs:
            began = self.clock.monotonic()
            self.clock.sleep(runs * self.inference_s)
            self.busy.append((began, self.clock.monotonic(), runs))
        self.clock.sleep(self.link_s / 2)


class FakeMeter:
    """Records what a `TimedRunner` did: so many watts while busy, fewer while idle.

    It is lost at the first marker whose name begins with `lost_at`.
    """

    name = "Fake Meter"
    gates: tuple[str, ...] = ("d0", "d3")

    def __init__(
        self, runner: TimedRunner, *, gate: bool = False, lost_at: str | None = None
    ) -> None:
        self._runner, self._gate, self._lost_at = runner, gate, lost_at
        self._started = 0.0
        self._marks: list[Mark] = []
        self.closed = 0

    def start(self) -> None:
        """Begin to record."""
        self._started = self._runner.clock.monotonic()

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Remember a moment."""
        moment = self._runner.clock.monotonic() if at_s is None else at_s
        self._marks.append(Mark(moment - self._started, name, "marker", uncertainty_s))

    def stop(self) -> Trace:
        """Return the samples from what the board did."""
        whole = self._runner.clock.monotonic() - self._started
        last = (m.time_s for m in self._marks if m.channel.startswith(self._lost_at or "-"))
        seconds = min(whole, *last, whole)
        times = np.arange(int(seconds / PERIOD_S)) * PERIOD_S
        power = np.full(len(times), IDLE_W)
        marks = list(self._marks)
        for began, ended, _ in self._runner.busy:
            first, last = began - self._started, ended - self._started
            inside = np.clip(np.minimum(times + PERIOD_S, last) - np.maximum(times, first), 0, None)
            power += (ACTIVE_W - IDLE_W) * inside / PERIOD_S
            if self._gate:
                marks += [Mark(first, "d0", "rising", 1e-5), Mark(last, "d0", "falling", 1e-5)]
        return Trace(
            self.name, PERIOD_S, VOLTS, times, power / VOLTS, power,
            np.zeros(len(times), np.bool_), marks=tuple(sorted(marks, key=lambda m: m.time_s)),
            fault="the port is gone" if seconds < whole else None,
        )  # fmt: skip

    def close(self) -> None:
        """Count."""
        self.closed += 1

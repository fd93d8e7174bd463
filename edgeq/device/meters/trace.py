"""What a power meter records: samples, gaps, clipping and marks, on the meter's own clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from edgeq.core.records import Kind

SIMULATED = "(simulated)"
Floats = npt.NDArray[np.float64]
Edge = Literal["rising", "falling", "marker"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that the meter or its link lost: none between `start_s` and `end_s`."""

    start_s: float
    end_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment: an edge of a digital channel, a trigger event, or a marker seen by the host.

    `uncertainty_s`: the true moment is within this many seconds of `time_s`, either side.
    """

    time_s: float
    channel: str
    edge: Edge
    uncertainty_s: float


@dataclass(frozen=True, slots=True)
class Trace:
    """A recording, in seconds since its start on the meter's clock.

    Sample i is the average over [time_s[i], time_s[i] + period_s): amperes, and watts where the
    meter knows the voltage at each sample, else amperes times `voltage_v`. All arrays have shape
    (n,), and `time_s` rises strictly. `clipped` is true where a sample lies at the end of the
    meter's range, so that the truth may be larger. `gaps` and `marks` are sorted by time. `fault`
    says why a recording ended before it was stopped.
    """

    meter: str
    period_s: float
    voltage_v: float
    time_s: Floats
    current_a: Floats
    power_w: Floats
    clipped: npt.NDArray[np.bool_]
    gaps: tuple[Gap, ...] = ()
    marks: tuple[Mark, ...] = ()
    fault: str | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def kind(self) -> Kind:
        """What its figures are: the meter's name tells (`as_simulated`)."""
        return "simulated" if self.meter.endswith(SIMULATED) else "measured"

    @property
    def sample_rate_hz(self) -> float:
        """Samples a second, as the meter promises them."""
        return 1.0 / self.period_s

    @property
    def end_s(self) -> float:
        """The end of the last sample; 0 for a recording without samples."""
        return float(self.time_s[-1]) + self.period_s if len(self.time_s) else 0.0

    @property
    def lost_samples(self) -> int:
        """Samples lost in all gaps."""
        return sum(gap.samples for gap in self.gaps)

    @property
    def clipped_samples(self) -> int:
        """Samples at the end of the meter's range."""
        return int(np.count_nonzero(self.clipped))


def as_simulated(trace: Trace) -> Trace:
    """Return the recording with its meter called simulated: it measured nothing of this run."""
    if trace.kind == "simulated":
        return trace
    return replace(trace, meter=f"{trace.meter} {SIMULATED}")


class Meter(Protocol):
    """A power meter. One recording: start, marks while it runs, stop; close gives it back."""

    name: str
    """Maker and model, as a result cites it."""
    gates: tuple[str, ...]
    """Digital channels or events that the meter can mark by itself; () for none."""

    def start(self) -> None:
        """Begin to record; raise DeviceError where the meter does not answer."""

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Remember a moment of the host's clock as a marker, with its uncertainty.

        Args:
            name: the channel of the mark in the trace.
            at_s: the moment as `time.monotonic()` gave it; None for now.
            uncertainty_s: what the moment itself may be wrong by; the meter adds its own part.
        """

    def stop(self) -> Trace:
        """End the recording. A meter lost in mid-run gives what it recorded, with a `fault`."""

    def close(self) -> None:
        """Power down what was powered and give the port back. May be called twice."""

"""What a power meter records: samples, gaps, clipping and marks, on the meter's own clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

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
    (n,). `clipped` is true where a sample lies at the end of the meter's range, so that the truth
    may be larger. `fault` says why a recording ended before it was stopped.
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


class Meter(Protocol):
    """A power meter. One recording: start, marks while it runs, stop; close gives it back."""

    name: str
    """Maker and model, as a result cites it."""
    gates: tuple[str, ...]
    """Digital channels or events that the meter can mark by itself; () for none."""

    def start(self) -> None:
        """Begin to record; raise DeviceError where the meter does not answer."""

    def mark(self, name: str) -> None:
        """Remember this moment of the host's clock as a marker, with its uncertainty."""

    def stop(self) -> Trace:
        """End the recording. A meter lost in mid-run gives what it recorded, with a `fault`."""

    def close(self) -> None:
        """Power down what was powered and give the port back. May be called twice."""

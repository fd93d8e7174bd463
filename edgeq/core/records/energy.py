"""Energy of a benchmark: what a meter gave, cut into windows, and how long a battery lasts."""

from __future__ import annotations

from typing import Literal

import msgspec

from edgeq.core.records.base import Kind, Record

Gating = Literal["edge", "channel", "marker"]


class MeterRecord(Record, frozen=True, kw_only=True):
    """The meter, and how well it kept up: samples got, lost in gaps, clipped at a range's end."""

    name: str
    sample_rate_hz: float
    samples: int
    lost_samples: int
    clipped_samples: int
    gaps: int
    fault: str | None = None


class WindowRecord(Record, frozen=True, kw_only=True):
    """One gated window, in seconds of the meter's clock: `inferences` back to back.

    `duration_s` is the gated time alone, where each inference has a pulse of its own. `used` is
    false where the window is left out of the figures, for the samples that it lost.
    """

    start_s: float
    duration_s: float
    inferences: int
    energy_j: float
    charge_c: float
    lost_samples: int = 0
    clipped_samples: int = 0
    used: bool = True


class PowerPlot(Record, frozen=True, kw_only=True):
    """A recording drawn small: least and most watts in each of equal steps.

    A step without samples has its predecessor's; `gates` and `idle` are (start, end) in seconds.
    """

    start_s: float
    step_s: float
    low_w: tuple[float, ...]
    high_w: tuple[float, ...]
    gates: tuple[tuple[float, float], ...]
    idle: tuple[tuple[float, float], ...]


class BatteryRecord(Record, frozen=True, kw_only=True):
    """How long a battery lasts at one inference each `every_s` seconds.

    `sources` says for active, idle and sleep where its figure in `currents_a` comes from; between
    two inferences the board is awake and idle for `awake_s`, asleep for the rest.
    """

    kind: Kind
    capacity_ah: float
    voltage_v: float
    every_s: float
    active_s: float
    average_a: float
    life_s: float
    sources: dict[str, str]
    awake_s: float = 0.0
    currents_a: dict[str, float] = msgspec.field(default_factory=dict)


class EnergyRecord(Record, frozen=True, kw_only=True):
    """Energy per inference: the median over windows, idle power included.

    `net_per_inference_j` has the idle power taken off; `low_j` and `high_j` bound the 95 %
    confidence interval of `per_inference_j`; `uncertainty_j` is what the gating can be wrong by.
    `complete` is false where the meter was lost in mid-run; `idle_windows` hold no inference;
    `recording` is the file that keeps what the meter recorded.
    """

    kind: Kind
    per_inference_j: float
    average_w: float
    source: str
    net_per_inference_j: float | None = None
    low_j: float | None = None
    high_j: float | None = None
    mad_j: float | None = None
    charge_c: float | None = None
    voltage_v: float | None = None
    idle_w: float | None = None
    gating: Gating | None = None
    uncertainty_j: float | None = None
    meter: MeterRecord | None = None
    windows: tuple[WindowRecord, ...] = ()
    complete: bool = True
    battery: BatteryRecord | None = None
    idle_windows: tuple[WindowRecord, ...] = ()
    recording: str | None = None
    plot: PowerPlot | None = None
    warnings: tuple[str, ...] = ()

"""What a user asks of an energy measurement: the meter and its windows, the battery and its use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeq.core.errors import UsageError
from edgeq.core.units import format_duration, parse_quantity

NEVER_SLEEPS = "idle"
LONGEST_S = 3000.0


def meter_driver(spec: str) -> str:
    """Return the row in the table of drivers that NAME[:PORT][,option=value...] names."""
    return spec.partition(":")[0].partition(",")[0]


@dataclass(frozen=True, slots=True)
class MeterRequest:
    """How to measure: the meter as `edgeq meters` names it, the gate, and how long.

    `gate` is a channel of the meter, 'marker' or 'auto'; `keep` the file for the recording. One
    that cannot be measured is a UsageError.
    """

    meter: str
    gate: str = "auto"
    windows: int = 5
    window_s: float = 2.0
    idle_s: float = 1.0
    keep: Path | None = None

    def __post_init__(self) -> None:
        if self.windows < 1:
            raise UsageError(f"{self.windows} windows", hint="choose 5 or more")
        total = self.windows * self.window_s + 2 * self.idle_s
        if not (self.window_s > 0 and self.idle_s >= 0 and total <= LONGEST_S):
            raise UsageError(
                f"{self.windows} windows of {self.window_s:g} s with {self.idle_s:g} s idle",
                hint=f"choose seconds above 0, in all at most {format_duration(LONGEST_S)}",
            )

    @property
    def driver(self) -> str:
        """The meter's row in the table of drivers."""
        return meter_driver(self.meter)


@dataclass(frozen=True, slots=True)
class BatteryPlan:
    """A battery, and what the board does on it: an inference each `every_s` seconds.

    The board idles, awake, for `awake_s` of each period, and sleeps for the rest; one that never
    sleeps idles for the rest. Amperes that are None come from the measurement or the profile.
    """

    capacity_ah: float
    voltage_v: float
    every_s: float
    awake_s: float = 0.0
    idle_a: float | None = None
    sleep_a: float | None = None
    never_sleeps: bool = False

    @property
    def idles(self) -> bool:
        """Whether the idle current counts at all."""
        return self.awake_s > 0 or self.never_sleeps

    @property
    def options(self) -> str:
        """The plan as the command line takes it (`parse_plan`)."""
        sleep = "idle" if self.never_sleeps else _written(self.sleep_a, "A")
        named = {
            "--battery": f"{_written(self.capacity_ah, 'Ah')}@{_written(self.voltage_v, 'V')}",
            "--every": _written(self.every_s, "s"),
            "--awake": _written(self.awake_s or None, "s"),
            "--idle-current": _written(self.idle_a, "A"),
            "--sleep-current": sleep,
        }
        return " ".join(f"{name} {value}" for name, value in named.items() if value)


def parse_plan(
    battery: str,
    every: str | None,
    *,
    awake: str | None = None,
    idle: str | None = None,
    sleep: str | None = None,
) -> BatteryPlan:
    """Read the options as people write them.

    Args:
        battery: '230mAh@3V'.
        every: '10s', the time from one inference to the next.
        awake: '50ms' of each period awake and idle; None for none.
        idle, sleep: '2uA'; sleep may be 'idle' for a board that never sleeps.

    Raises:
        UsageError: anything else, or a capacity, voltage or period of zero.
    """
    capacity, at, voltage = battery.partition("@")
    if not at:
        raise UsageError(
            f"--battery {battery!r} has no '@'", hint="write capacity@voltage, like 230mAh@3V"
        )
    if every is None:
        raise UsageError(
            "--battery needs the time between inferences", hint="add --every, like --every 10s"
        )
    never = sleep == NEVER_SLEEPS
    return BatteryPlan(
        capacity_ah=_positive(capacity, "Ah", "--battery"),
        voltage_v=_positive(voltage, "V", "--battery"),
        every_s=_positive(every, "s", "--every"),
        awake_s=parse_quantity(awake, "s", what="--awake") if awake else 0.0,
        idle_a=parse_quantity(idle, "A", what="--idle-current") if idle else None,
        sleep_a=parse_quantity(sleep, "A", what="--sleep-current") if sleep and not never else None,
        never_sleeps=never,
    )


def _written(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value!r}".removesuffix(".0") + unit


def _positive(text: str, unit: str, what: str) -> float:
    value = parse_quantity(text, unit, what=what)
    if value <= 0:
        raise UsageError(f"{what} {text!r} is zero", hint=f"give more than 0 {unit}")
    return value

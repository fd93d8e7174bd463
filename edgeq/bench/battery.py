"""Battery life from currents: active while inferring, idle while awake, sleep for the rest.

    average = (active_a * active_s + idle_a * awake_s + sleep_a * rest_s) / every_s
    life    = capacity / average

Every current is taken as drawn from the battery itself: no regulator's losses, no self-discharge,
no fall of the capacity with cold or load.
"""

from __future__ import annotations

from typing import NamedTuple

from edgeq.boards.profile import Power
from edgeq.core.errors import UsageError
from edgeq.core.records import BatteryRecord, EnergyRecord, Record
from edgeq.core.units import format_quantity, format_seconds, parse_quantity

HOUR_S = 3600.0
NEVER_SLEEPS = "idle"
SUPPLY_TOLERANCE = 0.1


class BatteryPlan(Record, frozen=True, kw_only=True):
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


class Figure(NamedTuple):
    """Amperes, and where they come from."""

    amperes: float
    source: str


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


def _positive(text: str, unit: str, what: str) -> float:
    value = parse_quantity(text, unit, what=what)
    if value <= 0:
        raise UsageError(f"{what} {text!r} is zero", hint=f"give more than 0 {unit}")
    return value


def battery_life(
    plan: BatteryPlan, energy: EnergyRecord | None, active_s: float, power: Power | None
) -> BatteryRecord:
    """Return how long the battery lasts; always estimated, from figures that are named.

    What the user gave comes first, then what was measured, then the board's profile.

    Args:
        energy: of one inference, with its charge; None where nothing is known.
        active_s: seconds of one inference.
        power: the profile's figures.

    Raises:
        UsageError: a figure is missing, or one inference does not fit into the period.
    """
    rest_s = plan.every_s - active_s - plan.awake_s
    if rest_s < 0:
        busy = format_seconds(active_s + plan.awake_s)
        raise UsageError(
            f"--every {format_seconds(plan.every_s)} is less than the {busy} that the board is "
            "awake for each inference",
            hint="choose a longer period",
        )
    idles = plan.awake_s > 0 or plan.never_sleeps
    figures = {
        "active": active_figure(energy, active_s),
        "idle": idle_figure(plan, energy, power) if idles else None,
        "sleep": None if plan.never_sleeps else sleep_figure(plan, power),
    }
    _refuse_missing(figures, {"active": True, "idle": idles, "sleep": not plan.never_sleeps})
    amperes = {name: f.amperes if f else 0.0 for name, f in figures.items()}
    idle_s = plan.awake_s + (rest_s if plan.never_sleeps else 0.0)
    sleep_s = 0.0 if plan.never_sleeps else rest_s
    charge = amperes["active"] * active_s + amperes["idle"] * idle_s + amperes["sleep"] * sleep_s
    average = charge / plan.every_s
    if average <= 0:
        raise UsageError(
            f"the average current is {format_quantity(average, 'A')}: no battery life follows",
            hint="check the meter's wiring, or give the currents by option",
        )
    return BatteryRecord(
        kind="estimated",
        capacity_ah=plan.capacity_ah,
        voltage_v=plan.voltage_v,
        every_s=plan.every_s,
        active_s=active_s,
        awake_s=idle_s,
        average_a=average,
        life_s=plan.capacity_ah * HOUR_S / average,
        sources={name: f.source if f else "not used" for name, f in figures.items()},
        currents_a=amperes,
    )


def active_figure(energy: EnergyRecord | None, active_s: float) -> Figure | None:
    """Return the current of an inference: its charge over its time."""
    if energy is None or energy.charge_c is None or active_s <= 0:
        return None
    return Figure(energy.charge_c / active_s, f"{energy.kind}: {energy.source}")


def idle_figure(
    plan: BatteryPlan, energy: EnergyRecord | None, power: Power | None
) -> Figure | None:
    """Return the current of the awake board between inferences."""
    if plan.idle_a is not None:
        return Figure(plan.idle_a, "given: --idle-current")
    if energy is not None and energy.idle_windows:
        charge = sum(w.charge_c for w in energy.idle_windows)
        seconds = sum(w.duration_s for w in energy.idle_windows)
        return Figure(charge / seconds, f"{energy.kind}: idle windows, {energy.source}")
    if power is not None and power.idle_a is not None:
        return Figure(power.idle_a, f"estimated: {power.source}")
    return None


def sleep_figure(plan: BatteryPlan, power: Power | None) -> Figure | None:
    """Return the current of the sleeping board."""
    if plan.sleep_a is not None:
        return Figure(plan.sleep_a, "given: --sleep-current")
    if power is not None and power.sleep_a is not None:
        return Figure(power.sleep_a, f"estimated: {power.source}")
    return None


_HINTS = {
    "active": "measure with --meter, or add active_a to the profile's [power]",
    "idle": "add --idle-current 1mA, measure with --meter, or add idle_a to the profile's [power]",
    "sleep": "add --sleep-current 2uA (or idle, for a board that never sleeps), or sleep_a to the "
    "profile's [power]",
}


def _refuse_missing(figures: dict[str, Figure | None], needed: dict[str, bool]) -> None:
    missing = [name for name, figure in figures.items() if needed[name] and figure is None]
    if missing:
        raise UsageError(
            f"battery life needs the board's {' and '.join(missing)} current: nothing gives it",
            hint="; ".join(_HINTS[name] for name in missing),
        )


def supply_warnings(record: BatteryRecord, energy: EnergyRecord) -> tuple[str, ...]:
    """Return a warning where the current was read at another voltage than the battery's."""
    volts = energy.voltage_v
    if volts is None or abs(volts - record.voltage_v) <= SUPPLY_TOLERANCE * record.voltage_v:
        return ()
    return (
        f"the current is for {volts:g} V, the battery gives {record.voltage_v:g} V: battery life "
        "takes it as the same (true behind a linear regulator)",
    )

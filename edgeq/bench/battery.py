"""Battery life from currents: active while inferring, idle while awake, sleep for the rest.

    average = (active_a * active_s + idle_a * awake_s + sleep_a * rest_s) / every_s
    life    = capacity / average

Every current is taken as drawn from the battery itself: no regulator's losses, no self-discharge,
no fall of the capacity with cold or load.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from edgeq.bench.requests import BatteryPlan
from edgeq.boards.profile import Power
from edgeq.core.errors import UsageError
from edgeq.core.records import BatteryRecord, EnergyRecord
from edgeq.core.units import format_quantity, format_seconds

HOUR_S = 3600.0
SUPPLY_TOLERANCE = 0.1


class Figure(NamedTuple):
    """Amperes, and where they come from."""

    amperes: float
    source: str


def battery_life(
    plan: BatteryPlan, energy: EnergyRecord, active_s: float, power: Power | None
) -> BatteryRecord:
    """Return how long the battery lasts; always estimated, from figures that are named.

    What the user gave comes first, then what was measured, then the board's profile.

    Args:
        energy: of one inference.
        active_s: seconds of one inference.
        power: the profile's figures.

    Raises:
        UsageError: a figure is missing, or one inference does not fit into the period.
    """
    rest_s = _rest_seconds(plan, active_s)
    figures = find_figures(plan, energy, active_s, power)
    amperes = {name: f.amperes if f else 0.0 for name, f in figures.items()}
    idle_s = plan.awake_s + (rest_s if plan.never_sleeps else 0.0)
    sleep_s = 0.0 if plan.never_sleeps else rest_s
    charge = amperes["active"] * active_s + amperes["idle"] * idle_s + amperes["sleep"] * sleep_s
    average = charge / plan.every_s
    life_s = plan.capacity_ah * HOUR_S / average if average > 0 else math.inf
    if not math.isfinite(life_s):
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
        life_s=life_s,
        sources={name: f.source if f else "not used" for name, f in figures.items()},
        currents_a=amperes,
    )


def find_figures(
    plan: BatteryPlan, energy: EnergyRecord, active_s: float, power: Power | None
) -> dict[str, Figure | None]:
    """Return the currents 'active', 'idle' and 'sleep'; None for one that the plan does not use.

    Raises:
        UsageError: nothing gives one that it uses.
    """
    active = active_figure(energy, active_s)
    read = {"active": active is not None, "idle": bool(energy.idle_windows)}
    if missing := missing_currents(plan, power, **read):
        raise lacking(missing)
    return {
        "active": active,
        "idle": idle_figure(plan, energy, power) if plan.idles else None,
        "sleep": None if plan.never_sleeps else sleep_figure(plan, power),
    }


def _rest_seconds(plan: BatteryPlan, active_s: float) -> float:
    """Return the seconds of each period in which the board neither infers nor must be awake."""
    busy_s = active_s + plan.awake_s
    if busy_s > plan.every_s:
        raise UsageError(
            f"--every {format_seconds(plan.every_s)} is less than the {format_seconds(busy_s)} "
            "that the board is awake for each inference",
            hint="choose a longer period",
        )
    return plan.every_s - busy_s


def active_figure(energy: EnergyRecord, active_s: float) -> Figure | None:
    """Return the current of an inference: its charge over its time."""
    if energy.charge_c is None or active_s <= 0:
        return None
    return Figure(energy.charge_c / active_s, f"{energy.kind}: {energy.source}")


def idle_figure(plan: BatteryPlan, energy: EnergyRecord, power: Power | None) -> Figure | None:
    """Return the current of the awake board between inferences."""
    if plan.idle_a is not None:
        return Figure(plan.idle_a, "given: --idle-current")
    if energy.idle_windows:
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


def missing_currents(
    plan: BatteryPlan, power: Power | None, *, active: bool, idle: bool
) -> tuple[str, ...]:
    """Return the names of the currents that the plan needs and nothing gives.

    Args:
        active, idle: whether an energy record gives that current, or will.
    """
    given_idle = plan.idle_a is not None or (power is not None and power.idle_a is not None)
    given_sleep = plan.sleep_a is not None or (power is not None and power.sleep_a is not None)
    missing = {
        "active": not active,
        "idle": plan.idles and not idle and not given_idle,
        "sleep": not plan.never_sleeps and not given_sleep,
    }
    return tuple(name for name, lacks in missing.items() if lacks)


def lacking(names: Sequence[str]) -> UsageError:
    """Return the error that names the currents which nothing gives."""
    return UsageError(
        f"nothing gives the board's {' and '.join(names)} current, which battery life needs",
        hint="; ".join(_HINTS[name] for name in names),
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

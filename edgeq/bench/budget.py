"""The energy of a result: measured, else estimated from the profile; and the battery life of it."""

from __future__ import annotations

from statistics import median

from msgspec.structs import replace

from edgeq.bench.battery import battery_life, lacking, missing_currents, supply_warnings
from edgeq.bench.requests import BatteryPlan, MeterRequest
from edgeq.boards.profile import Board
from edgeq.core.errors import UsageError
from edgeq.core.records import EnergyRecord, Result
from edgeq.core.units import format_seconds

APART = 0.05  # of the latency: more than this between the meter's time and the board's is told


def estimate_energy(board: Board, latency_s: float) -> EnergyRecord | None:
    """Return active_a * voltage_v * latency_s, estimated; None where the profile has no figure."""
    power = board.power
    if power is None or power.active_a is None:
        return None
    watts = power.active_a * power.voltage_v
    idle_w = None if power.idle_a is None else power.idle_a * power.voltage_v
    return EnergyRecord(
        kind="estimated",
        per_inference_j=watts * latency_s,
        average_w=watts,
        source=f"profile of {board.id}: {power.source}",
        net_per_inference_j=None if idle_w is None else (watts - idle_w) * latency_s,
        charge_c=power.active_a * latency_s,
        voltage_v=power.voltage_v,
        idle_w=idle_w,
    )


def active_seconds(energy: EnergyRecord) -> float | None:
    """Return the median seconds of one inference in the windows of a measurement."""
    used = [w.duration_s / w.inferences for w in energy.windows if w.used]
    return float(median(used)) if used else None


def add_energy(
    result: Result, board: Board, energy: EnergyRecord | None, plan: BatteryPlan | None
) -> Result:
    """Return the result with its energy, and with battery life where a plan asks for it.

    Args:
        energy: what a meter gave; None for the profile's estimate.
        plan: one that `refuse_unknown_currents` let pass. A battery's life that still does not
            follow becomes a warning: what was measured is not lost for it.
    """
    latency_s = result.latency.median_s
    if energy is None:
        energy = estimate_energy(board, latency_s)
    elif board.kind != "virtual":
        energy = replace(energy, warnings=(*compare_times(energy, latency_s), *energy.warnings))
    if plan is None:
        return replace(result, energy=energy)
    try:
        return replace(result, energy=add_battery(energy, board, plan, latency_s))
    except UsageError as error:
        told = f"battery life unknown: {error.cause}"
        return replace(result, energy=energy, warnings=(*result.warnings, told))


def compare_times(energy: EnergyRecord, latency_s: float) -> tuple[str, ...]:
    """Return a warning where the windows hold more, or less, than the model's inferences."""
    each = active_seconds(energy)
    if each is None or latency_s <= 0 or abs(each - latency_s) <= APART * latency_s:
        return ()
    seen, timed = format_seconds(each), format_seconds(latency_s)
    why = (
        "a part of each window is not the model's (inputs, stack check): a gate pin leaves it out"
        if each > latency_s
        else "the windows are too short for their inferences: is it the right --gate?"
    )
    return (f"an inference lasts {seen} for the meter and {timed} for the board's timer: {why}",)


def add_battery(
    energy: EnergyRecord | None, board: Board | None, plan: BatteryPlan, latency_s: float = 0.0
) -> EnergyRecord:
    """Return the energy with the battery life that follows from it.

    Args:
        latency_s: of one inference, where no window tells it.

    Raises:
        UsageError: nothing gives a current that the plan needs, or the period is too short.
    """
    power = board.power if board else None
    if energy is None:
        raise lacking(missing_currents(plan, power, active=False, idle=False))
    life = battery_life(plan, energy, active_seconds(energy) or latency_s, power)
    warnings = (*energy.warnings, *supply_warnings(life, energy))
    return replace(energy, battery=life, warnings=warnings)


def refuse_unknown_currents(
    plan: BatteryPlan | None, board: Board, meter: MeterRequest | None
) -> None:
    """Raise UsageError, before anything runs, for a plan with a current that nothing will give."""
    if plan is None:
        return
    estimated = board.power is not None and board.power.active_a is not None
    idle = meter is not None and meter.idle_s > 0
    if missing := missing_currents(
        plan, board.power, active=meter is not None or estimated, idle=idle
    ):
        raise lacking(missing)

"""Energy where nothing measures: the profile's supply current times voltage times latency."""

from __future__ import annotations

from edgeq.boards.profile import Board
from edgeq.core.records import EnergyRecord


def estimate_energy(board: Board, latency_s: float) -> EnergyRecord | None:
    """Return active_a * voltage_v * latency_s, estimated; None where the profile has no figure."""
    power = board.power
    if power is None or power.active_a is None:
        return None
    watts = power.active_a * power.voltage_v
    return EnergyRecord(
        kind="estimated",
        per_inference_j=watts * latency_s,
        average_w=watts,
        source=f"profile of {board.id}: {power.source}",
        net_per_inference_j=None
        if power.idle_a is None
        else (power.active_a - power.idle_a) * power.voltage_v * latency_s,
        charge_c=power.active_a * latency_s,
        voltage_v=power.voltage_v,
        idle_w=None if power.idle_a is None else power.idle_a * power.voltage_v,
    )

"""Energy as tables: the figures with what they rest on, each window, the battery's life."""

from __future__ import annotations

from edgeq.core.records import BatteryRecord, EnergyRecord, MeterRecord, WindowRecord
from edgeq.core.units import format_count, format_duration, format_quantity, format_seconds
from edgeq.report.table import Table, Tables, facts, make_table


def energy_text(record: EnergyRecord) -> str:
    """Return the energy of an inference in a line."""
    spread = ""
    if record.low_j is not None and record.high_j is not None:
        low, high = format_quantity(record.low_j, "J"), format_quantity(record.high_j, "J")
        spread = f" ({low} to {high})"
    partial = "" if record.complete else ", incomplete"
    return f"{format_quantity(record.per_inference_j, 'J')}{spread}, {record.kind}{partial}"


def energy_tables(record: EnergyRecord) -> Tables:
    """The energy of an inference, its windows where a meter saw them, and the battery's life."""
    tables = [energy_table(record)]
    if record.windows:
        tables.append(window_table(record))
    if record.battery is not None:
        tables.append(battery_table(record.battery))
    return tuple(tables)


def energy_table(record: EnergyRecord) -> Table:
    """Return the figures of an inference, and how well the meter kept up."""
    values = {
        "energy per inference": energy_text(record),
        "without idle power": _quantity(record.net_per_inference_j, "J"),
        "spread of the windows (MAD)": _part(record.mad_j, record.per_inference_j),
        "uncertainty of the gating": _part(record.uncertainty_j, record.per_inference_j),
        "average power": format_quantity(record.average_w, "W"),
        "idle power": _quantity(record.idle_w, "W"),
        "charge per inference": _quantity(record.charge_c, "C"),
        "supply": None if record.voltage_v is None else f"{record.voltage_v:g} V",
        "source": record.source,
        "meter": meter_text(record.meter) if record.meter else None,
        "recording": record.recording,
    }
    return facts(f"Energy ({record.kind})", values, record.warnings)


def meter_text(meter: MeterRecord) -> str:
    """Return a meter's sample rate, and what it lost and clipped."""
    rate = format_quantity(meter.sample_rate_hz, "Hz")
    lost = f"{format_count(meter.lost_samples)} lost in {meter.gaps} gaps"
    clipped = f"{format_count(meter.clipped_samples)} clipped"
    return f"{meter.name}: {format_count(meter.samples)} samples at {rate}, {lost}, {clipped}"


def window_table(record: EnergyRecord) -> Table:
    """Return each window and each idle window."""
    rows = [_window(str(i), w) for i, w in enumerate(record.windows)]
    rows += [_window(f"idle {i}", w) for i, w in enumerate(record.idle_windows)]
    columns = "window|>start|>lasts|>inferences|>per inference|>power|>lost|>clipped|used"
    return make_table(f"Windows ({record.kind})", columns, rows)


def _window(name: str, window: WindowRecord) -> tuple[str, ...]:
    each = window.energy_j / window.inferences if window.inferences else None
    return (
        name,
        f"{window.start_s:.3f} s",
        format_seconds(window.duration_s),
        format_count(window.inferences),
        _quantity(each, "J") or "-",
        format_quantity(window.energy_j / window.duration_s, "W"),
        format_count(window.lost_samples),
        format_count(window.clipped_samples),
        "yes" if window.used else "no",
    )


def battery_table(record: BatteryRecord) -> Table:
    """Return how long a battery lasts, and where each current comes from."""
    currents = {
        f"{name} current": f"{format_quantity(record.currents_a.get(name, 0.0), 'A')} ({source})"
        for name, source in record.sources.items()
        if source != "not used"
    }
    values: dict[str, str | None] = {
        "lasts": f"{format_duration(record.life_s)} ({record.kind})",
        "capacity": f"{format_quantity(record.capacity_ah, 'Ah')} at {record.voltage_v:g} V",
        "an inference": f"every {format_duration(record.every_s)}, "
        f"lasting {format_seconds(record.active_s)}",
        "average current": format_quantity(record.average_a, "A"),
        **currents,
    }
    return facts("Battery", values, ("self-discharge is not modelled",))


def _part(joules: float | None, whole_j: float) -> str | None:
    """Return an error or spread with its share of the whole; rounding alone is nothing."""
    if joules is None or not whole_j:
        return _quantity(joules, "J")
    share = abs(joules / whole_j)
    return f"{format_quantity(joules, 'J')} ({share:.2%})" if share > 1e-9 else "0 J"


def _quantity(value: float | None, unit: str) -> str | None:
    return None if value is None else format_quantity(value, unit)

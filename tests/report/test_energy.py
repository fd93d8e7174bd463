"""What a reader sees of an energy: figures with their kind, the windows, the power over time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from edgeq.bench.battery import battery_life
from edgeq.bench.energy import measure_energy
from edgeq.bench.requests import BatteryPlan
from edgeq.core.records import EnergyRecord, PowerPlot
from edgeq.report.charts import power_chart
from edgeq.report.energy import energy_tables, energy_text
from edgeq.report.formats import to_json
from edgeq.report.page import render_page
from edgeq.report.records import ReportData, read_report
from edgeq.report.tables import result_tables
from tests.report.records import EVIL, make_report, make_result
from tests.support.traces import markers, square_wave, trace_of


def make_energy(meter: str = "Test Meter") -> EnergyRecord:
    """Return an energy of five windows, one of them with a gap, and a battery's life."""
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    marks = [*markers("window", spans), *markers("idle", [(0.0, 0.1), (1.0, 1.1)])]
    trace = trace_of(power, marks=marks, lost=range(310, 340), meter=meter)
    energy = measure_energy(trace, "marker", inferences=10)
    plan = BatteryPlan(capacity_ah=0.23, voltage_v=2.0, every_s=10.0, sleep_a=2e-6)
    return replace(energy, battery=battery_life(plan, energy, 0.01, None))


def with_energy(energy: EnergyRecord) -> ReportData:
    """Return a report whose result has an energy."""
    report = make_report()
    return replace(report, result=replace(report.result, energy=energy))


def test_the_line_says_what_kind_of_number_it_is() -> None:
    assert energy_text(make_energy()) == "40 mJ (40 mJ to 40 mJ), measured"
    lost = replace(make_energy(), complete=False, kind="simulated")
    assert energy_text(lost) == "40 mJ (40 mJ to 40 mJ), simulated, incomplete"


def test_the_tables_have_the_figures_each_window_and_the_battery() -> None:
    figures, windows, battery = energy_tables(make_energy())
    rows = dict(figures.rows)
    assert rows["without idle power"] == "30 mJ"
    assert rows["idle power"] == "1 W"
    assert "1,070 samples at 1 kHz, 30 lost in 1 gaps" in rows["meter"]
    assert any("window 1 lost 30 samples" in note for note in figures.notes)
    assert [row[0] for row in windows.rows] == ["0", "1", "2", "3", "4", "idle 0", "idle 1"]
    assert [row[-1] for row in windows.rows].count("no") == 1
    facts = dict(battery.rows)
    assert facts["lasts"].endswith("days (estimated)")
    assert "given: --sleep-current" in facts["sleep current"]
    assert "idle current" not in facts
    assert "self-discharge" in battery.notes[0]


def test_an_estimate_is_one_short_table() -> None:
    energy = EnergyRecord(
        kind="estimated", per_inference_j=2e-3, average_w=0.04, source="profile of x: data sheet"
    )
    (table,) = energy_tables(energy)
    assert table.title == "Energy (estimated)"
    assert dict(table.rows)["source"] == "profile of x: data sheet"
    assert "spread of the windows (MAD)" not in dict(table.rows)


def test_a_result_with_energy_shows_it_in_its_summary() -> None:
    summary, *_ = result_tables(replace(make_result(), energy=make_energy()))
    assert dict(summary.rows)["energy"].startswith("40 mJ")


def test_the_page_shows_energy_windows_and_the_power_over_time() -> None:
    page = render_page(with_energy(make_energy()))
    assert "<h2>Energy</h2>" in page
    assert page.count('class="gate"') == 5
    assert page.count('class="rest"') == 2
    assert "measured, per inference" in page
    assert "power over time" in page
    HTMLParser().feed(page)


def test_a_meters_name_is_never_markup() -> None:
    page = render_page(with_energy(make_energy(EVIL)))
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_a_page_without_energy_has_no_such_section() -> None:
    assert "<h2>Energy</h2>" not in render_page(make_report())


def test_a_report_with_energy_comes_back_from_json(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "report.json"
    report = with_energy(make_energy())
    path.write_bytes(to_json(report))
    assert read_report(path) == report


def _points(chart: str) -> list[tuple[float, float]]:
    found = re.search(r'points="([^"]+)"', chart)
    assert found is not None
    return [(float(x), float(y)) for x, y in (p.split(",") for p in found[1].split())]


def test_the_band_of_the_chart_is_as_high_as_the_power() -> None:
    plot = PowerPlot(
        start_s=0.0, step_s=0.1, low_w=(0.0, 1.0), high_w=(1.0, 2.0), gates=((0.1, 0.2),), idle=()
    )
    points = _points(power_chart(plot))
    heights = [y for _, y in points]
    assert heights == pytest.approx([107.5, 7.5, 108.5, 208.5])
    assert [x for x, _ in points[:2]] == sorted(x for x, _ in points[:2])


@pytest.mark.parametrize("watts", [0.0, -1.0])
def test_power_of_nothing_or_below_is_drawn(watts: float) -> None:
    plot = PowerPlot(start_s=0.0, step_s=1.0, low_w=(watts,), high_w=(watts,), gates=(), idle=())
    assert all(0 <= y <= 240 for _, y in _points(power_chart(plot)))

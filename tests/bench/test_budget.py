"""The energy of a result: a meter's, else the profile's, and nothing measured is lost."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from edgeq.bench.budget import active_seconds, add_energy, refuse_unknown_currents
from edgeq.bench.energy import measure_energy
from edgeq.bench.requests import BatteryPlan, MeterRequest
from edgeq.boards.registry import find_board
from edgeq.core.errors import UsageError
from edgeq.core.records import EnergyRecord
from tests.report.records import make_result
from tests.support.traces import markers, square_wave, trace_of

BOARD = find_board("nucleo-l4r5zi")
PLAN = BatteryPlan(capacity_ah=0.23, voltage_v=3.3, every_s=10.0)


def measured(inferences: int = 83) -> EnergyRecord:
    """Return an energy whose inferences last 0.1 s / `inferences`; the result's take 1.2 ms."""
    power, spans = square_wave(5, active_w=0.04, idle_w=0.01)
    trace = trace_of(power, marks=markers("window", spans))
    return measure_energy(trace, "marker", inferences=inferences)


def test_without_a_meter_the_profile_estimates() -> None:
    energy = add_energy(make_result(), BOARD, None, PLAN).energy
    assert energy is not None
    assert energy.kind == "estimated"
    assert energy.per_inference_j == pytest.approx(0.0132 * 3.3 * 1.2e-3)
    assert energy.battery is not None
    assert energy.battery.active_s == pytest.approx(1.2e-3)
    assert energy.battery.sources["active"].startswith("estimated: profile of nucleo-l4r5zi")


def test_without_a_meter_and_without_figures_there_is_no_energy() -> None:
    assert add_energy(make_result(), find_board("virt-m4"), None, None).energy is None


def test_a_meter_goes_before_the_profile() -> None:
    energy = add_energy(make_result(), BOARD, measured(), PLAN).energy
    assert energy is not None
    assert energy.kind == "measured"
    assert energy.battery is not None
    assert energy.battery.active_s == pytest.approx(0.1 / 83)
    assert not any("board's timer" in w for w in energy.warnings)


@pytest.mark.parametrize(("inferences", "why"), [(60, "a gate pin"), (120, "the right --gate")])
def test_windows_that_hold_more_or_less_than_the_model_are_told(inferences: int, why: str) -> None:
    record = measured(inferences)
    assert active_seconds(record) == pytest.approx(0.1 / inferences)
    energy = add_energy(make_result(), BOARD, record, None).energy
    assert energy is not None
    assert why in energy.warnings[0]


def test_the_time_of_a_virtual_board_is_its_own() -> None:
    energy = add_energy(make_result(), find_board("virt-m4"), measured(60), None).energy
    assert energy is not None
    assert not any("board's timer" in w for w in energy.warnings)


def test_a_battery_that_does_not_follow_loses_no_measurement() -> None:
    busy = BatteryPlan(capacity_ah=0.23, voltage_v=3.3, every_s=1e-4)
    result = add_energy(make_result(), BOARD, measured(), busy)
    assert result.energy is not None
    assert result.energy.battery is None
    assert "battery life unknown: --every 100 us is less than" in result.warnings[-1]


def test_a_current_that_nothing_will_give_is_refused_first() -> None:
    virtual = find_board("virt-m4")
    meter = MeterRequest("ppk2")
    awake = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=9, awake_s=1, sleep_a=1e-6)
    refuse_unknown_currents(None, virtual, None)
    refuse_unknown_currents(PLAN, BOARD, None)
    refuse_unknown_currents(awake, virtual, meter)
    with pytest.raises(UsageError, match="active and sleep"):
        refuse_unknown_currents(PLAN, virtual, None)
    with pytest.raises(UsageError, match="idle current"):
        refuse_unknown_currents(awake, virtual, MeterRequest("ppk2", idle_s=0.0))


def test_the_result_is_otherwise_as_it_was() -> None:
    result = make_result()
    assert replace(add_energy(result, BOARD, None, None), energy=None) == result

"""Battery life: units are read strictly, each figure names its source, the sum is by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.battery import battery_life, supply_warnings
from edgeq.bench.requests import BatteryPlan, parse_plan
from edgeq.boards.profile import Power
from edgeq.core.errors import UsageError
from edgeq.core.records import EnergyRecord, WindowRecord

POWER = Power(source="data sheet", voltage_v=3.0, active_a=8e-3, idle_a=1e-3, sleep_a=2e-6)
PLAN = BatteryPlan(capacity_ah=0.23, voltage_v=3.0, every_s=10.0)
ACTIVE_S = 0.1
MEASURED = EnergyRecord(
    kind="measured",
    per_inference_j=3e-3,
    average_w=30e-3,
    source="PPK2",
    charge_c=1e-3,
    voltage_v=3.0,
    idle_windows=(
        WindowRecord(start_s=0, duration_s=2, inferences=0, energy_j=3e-2, charge_c=1e-2),
    ),
)
NO_CHARGE = EnergyRecord(kind="estimated", per_inference_j=1, average_w=1, source="")


def test_the_options_as_people_write_them() -> None:
    plan = parse_plan("230mAh@3V", "10s", sleep="2uA", idle="1.5 mA", awake="50ms")
    assert plan.capacity_ah == pytest.approx(0.23)
    assert (plan.voltage_v, plan.every_s) == (3.0, 10.0)
    assert plan.sleep_a == pytest.approx(2e-6)
    assert plan.idle_a == pytest.approx(1.5e-3)
    assert plan.awake_s == pytest.approx(0.05)
    assert parse_plan("2.4Ah@3.7V", "15min", sleep="idle").never_sleeps


@pytest.mark.parametrize(
    ("battery", "every", "sleep", "names"),
    [
        ("230mAh", "10s", None, "no '@'"),
        ("230@3V", "10s", None, "--battery '230'"),
        ("230mAh@3", "10s", None, "--battery '3'"),
        ("230mA@3V", "10s", None, "unit Ah"),
        ("0mAh@3V", "10s", None, "zero"),
        ("230mAh@0V", "10s", None, "zero"),
        ("230mAh@3V", "0s", None, "--every '0s' is zero"),
        ("230mAh@3V", "10", None, "--every '10'"),
        ("230mAh@3V", "-1s", None, "--every"),
        ("230mAh@3V", "nans", None, "--every"),
        ("1e400Ah@3V", "1s", None, "--battery"),
        ("230mAh@3V", "10s", "2", "--sleep-current"),
        ("230mAh@3V", "10s", "2uV", "--sleep-current"),
        ("230mAh@3V", None, None, "time between inferences"),
    ],
)
def test_anything_else_is_a_usage_error_that_names_the_option(
    battery: str, every: str | None, sleep: str | None, names: str
) -> None:
    with pytest.raises(UsageError, match=names) as caught:
        parse_plan(battery, every, sleep=sleep)
    assert caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"sleep": "2uA", "idle": "1.5 mA", "awake": "50ms"},
        {"sleep": "idle"},
        {"sleep": "0.3nA"},
        {},
    ],
)
def test_a_plan_says_the_options_that_give_it_again(options: dict[str, str]) -> None:
    plan = parse_plan("230mAh@3V", "15min", **options)
    words = plan.options.split()
    said = dict(zip(words[::2], words[1::2], strict=True))
    names = {"awake": "--awake", "idle": "--idle-current", "sleep": "--sleep-current"}
    again = {name: said[option] for name, option in names.items() if option in said}
    assert parse_plan(said["--battery"], said["--every"], **again) == plan


def test_the_life_is_the_sum_by_hand() -> None:
    record = battery_life(PLAN, MEASURED, ACTIVE_S, POWER)
    average = (1e-3 + 2e-6 * 9.9) / 10
    assert record.average_a == pytest.approx(average)
    assert record.life_s == pytest.approx(0.23 * 3600 / average)
    assert record.kind == "estimated"
    assert record.sources == {
        "active": "measured: PPK2",
        "idle": "not used",
        "sleep": "estimated: data sheet",
    }


def test_what_is_given_goes_before_what_is_measured_before_the_profile() -> None:
    plan = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=10, awake_s=1, idle_a=2e-3, sleep_a=5e-6)
    given_ = battery_life(plan, MEASURED, ACTIVE_S, POWER)
    assert given_.currents_a == pytest.approx({"active": 1e-2, "idle": 2e-3, "sleep": 5e-6})
    assert given_.sources["idle"] == "given: --idle-current"
    plan = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=10, awake_s=1)
    measured = battery_life(plan, MEASURED, ACTIVE_S, POWER)
    assert measured.currents_a["idle"] == pytest.approx(5e-3)
    assert measured.sources["idle"].startswith("measured: idle windows")
    estimated = EnergyRecord(
        kind="estimated", per_inference_j=1e-3, average_w=1, source="p", charge_c=1e-3
    )
    profile = battery_life(plan, estimated, ACTIVE_S, POWER)
    assert profile.currents_a["idle"] == 1e-3
    assert profile.sources["active"] == "estimated: p"


def test_a_board_that_never_sleeps_idles_for_the_rest() -> None:
    plan = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=10, never_sleeps=True)
    record = battery_life(plan, MEASURED, ACTIVE_S, POWER)
    assert record.average_a == pytest.approx((1e-3 + 5e-3 * 9.9) / 10)
    assert record.sources["sleep"] == "not used"
    assert record.awake_s == pytest.approx(9.9)


@pytest.mark.parametrize(
    ("plan", "energy", "power", "names", "hint"),
    [
        (PLAN, NO_CHARGE, POWER, "active current", "--meter"),
        (PLAN, MEASURED, None, "sleep current", "--sleep-current"),
        (PLAN, NO_CHARGE, None, "active and sleep current", "--sleep-current"),
        (
            BatteryPlan(capacity_ah=1, voltage_v=3, every_s=10, never_sleeps=True),
            EnergyRecord(kind="estimated", per_inference_j=1, average_w=1, source="", charge_c=1),
            None, "idle current", "--idle-current",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    plan: BatteryPlan, energy: EnergyRecord, power: Power | None, names: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=names) as caught:
        battery_life(plan, energy, ACTIVE_S, power)
    assert hint in caught.value.hint


def test_a_period_shorter_than_the_inference_is_refused() -> None:
    with pytest.raises(UsageError, match="less than the 11 s"):
        battery_life(PLAN, MEASURED, 11.0, POWER)


def test_a_current_below_zero_gives_no_life() -> None:
    backwards = EnergyRecord(
        kind="measured", per_inference_j=-1, average_w=-1, source="p", charge_c=-1
    )
    with pytest.raises(UsageError, match="no battery life follows"):
        battery_life(PLAN, backwards, ACTIVE_S, POWER)


@given(st.floats(1e-3, 0.09), st.floats(1.1, 1000.0), st.floats(1e-9, 1e-4))
def test_more_rest_never_shortens_the_life(charge: float, longer: float, sleep: float) -> None:
    energy = EnergyRecord(
        kind="measured", per_inference_j=1, average_w=1, source="p", charge_c=charge
    )
    plan = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=1.0, sleep_a=sleep)
    rarer = BatteryPlan(capacity_ah=1, voltage_v=3, every_s=longer, sleep_a=sleep)
    first = battery_life(plan, energy, ACTIVE_S, None)
    second = battery_life(rarer, energy, ACTIVE_S, None)
    assert second.life_s > first.life_s
    assert first.average_a * first.life_s == pytest.approx(3600.0)


def test_another_supply_voltage_is_told() -> None:
    record = battery_life(PLAN, MEASURED, ACTIVE_S, POWER)
    assert supply_warnings(record, MEASURED) == ()
    other = EnergyRecord(
        kind="measured", per_inference_j=1, average_w=1, source="", charge_c=1, voltage_v=5.0
    )
    assert "5 V, the battery gives 3 V" in supply_warnings(record, other)[0]

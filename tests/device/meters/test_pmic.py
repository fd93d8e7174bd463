"""The Pi's PMIC: rails summed up, readings that fail, and no word more than it knows."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.pmic import LEFT_OUT, PmicMeter, parse_rails, run_here
from tests.support.texts import edited

TEXT = """\
     3V3_SYS_A current(1)=0.10000000A
    VDD_CORE_A current(7)=2.00000000A
     3V3_SYS_V volt(9)=3.30000000V
    VDD_CORE_V volt(15)=0.75000000V
       EXT5V_V volt(24)=5.00000000V
        BATT_V volt(25)=0.00000000V
"""


def test_the_power_is_the_sum_over_the_rails() -> None:
    assert parse_rails(TEXT) == (pytest.approx(0.33 + 1.5), 5.0)


@pytest.mark.parametrize(
    "text",
    ["", "VCHI initialization failed\n", edited(TEXT, "VDD_CORE_V", "OTHER_V"),
     edited(TEXT, "EXT5V_V volt(24)=5.0", "EXT5V_V volt(24)=0.0"), edited(TEXT, "2.0", "nan")],
)  # fmt: skip
def test_an_output_without_whole_rails_is_refused(text: str) -> None:
    with pytest.raises(DeviceError) as failure:
        parse_rails(text)
    assert "Raspberry Pi 5" in failure.value.hint


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_output_is_refused_or_a_power(text: str) -> None:
    with pytest.raises(DeviceError):
        parse_rails(text)
    power, volts = parse_rails(f"{TEXT}\n{text}\n")
    assert power >= 0
    assert volts > 0


def test_readings_are_a_trace_that_says_what_it_leaves_out() -> None:
    third, turns = threading.Event(), itertools.count()

    def execute(_: Sequence[str]) -> str:
        if next(turns) == 3:
            third.set()
        return TEXT

    meter = PmicMeter(rate_hz=50, execute=execute)
    meter.start()
    started = time.monotonic()
    assert third.wait(30)
    noted = time.monotonic()
    meter.mark("begin", at_s=noted)
    trace = meter.stop()
    meter.close()
    assert len(trace.time_s) > 1
    assert trace.power_w == pytest.approx(1.83)
    assert trace.current_a == pytest.approx(1.83 / 5)
    assert trace.warnings == (LEFT_OUT,)
    (mark,) = trace.marks
    assert mark.time_s >= noted - started
    assert mark.uncertainty_s >= 0.02


def test_the_recording_reaches_beyond_its_last_mark_however_slow_a_reading_is() -> None:
    turns, slow, answered = itertools.count(), threading.Event(), threading.Event()

    def execute(_: Sequence[str]) -> str:
        if next(turns) == 3:
            slow.set()
            assert answered.wait(30)
        return TEXT

    meter = PmicMeter(rate_hz=50, execute=execute)
    meter.start()
    assert slow.wait(30)
    begun = time.monotonic()
    # Longer than a few periods: what was asked for before holds no longer at the mark.
    time.sleep(0.5)
    meter.mark("begin", at_s=begun)
    meter.mark("end", at_s=time.monotonic())
    threading.Timer(0.2, answered.set).start()
    trace = meter.stop()
    begin, end = (mark.time_s for mark in trace.marks)
    assert trace.time_s[-1] >= end
    found = energy_between(trace, begin, end)
    assert found.energy_j == pytest.approx(1.83 * (end - begin))
    assert found.lost > 0


def test_readings_that_fail_are_a_gap_and_then_a_fault() -> None:
    turns = itertools.count()

    def execute(_: Sequence[str]) -> str:
        if next(turns) < 6:
            return TEXT
        raise DeviceError("no answer", hint="none")

    meter = PmicMeter(rate_hz=50, execute=execute)
    meter.start()
    deadline = time.monotonic() + 30
    while next(turns) < 30 and time.monotonic() < deadline:
        time.sleep(0.05)
    trace = meter.stop()
    assert trace.fault is not None
    assert "5 times in a row" in trace.fault
    assert len(trace.time_s) >= 1


def test_a_computer_without_the_chip_is_told_so() -> None:
    with pytest.raises(DeviceError, match="no vcgencmd-that-is-not-there") as failure:
        run_here(("vcgencmd-that-is-not-there",))
    assert "Raspberry Pi 5" in failure.value.hint

"""The Raspberry Pi 5's PMIC through a `vcgencmd` that answers, fails, hangs and lies."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.pmic import MAX_FAILURES, READ_S
from edgeq.device.meters.table import open_meter
from tests.support.meters import pmic
from tests.support.wires import child_pids, open_handles

SPEC = "pmic,rate=20"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of PATH, with a `vcgencmd` in it."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    pmic.install(tmp_path)
    return tmp_path


def test_a_steady_power_is_exact_and_says_what_it_leaves_out(folder: Path):
    meter = open_meter(SPEC)
    meter.start()
    pmic.await_calls(folder, 10)
    trace = meter.stop()
    meter.close()
    found = energy_between(trace, 0, trace.end_s)
    lasted = float(trace.time_s[-1]) + trace.period_s
    assert found.energy_j == pytest.approx(pmic.power_w() * lasted, rel=1e-3)
    assert trace.voltage_v == pytest.approx(pmic.INPUT_V)
    assert any("USB" in warning for warning in trace.warnings)
    assert trace.fault is None


def test_a_step_is_seen_between_two_readings(folder: Path):
    meter = open_meter(SPEC)
    meter.start()
    pmic.await_calls(folder, 3)
    pmic.show(folder, pmic.output(3.0))
    pmic.await_calls(folder, 3)
    trace = meter.stop()
    meter.close()
    low, high = pmic.power_w(), pmic.power_w(3.0)
    changes = int((trace.power_w > (low + high) / 2).argmax())
    assert trace.power_w[:changes] == pytest.approx(low)
    assert trace.power_w[changes:] == pytest.approx(high)
    assert 0 < changes < len(trace.power_w)


def test_a_marker_is_within_its_uncertainty(folder: Path):
    meter = open_meter(SPEC)
    started = time.monotonic()
    meter.start()
    after = time.monotonic()
    time.sleep(0.25)
    before_mark = time.monotonic()
    meter.mark("window 0 begin")
    time.sleep(0.1)
    (mark,) = meter.stop().marks
    meter.close()
    assert before_mark - after - mark.uncertainty_s <= mark.time_s
    assert mark.time_s <= before_mark - started + mark.uncertainty_s


FAILING = {
    "fails": "exit 1",
    "says nothing": "exit 0",
    "is killed": "kill -9 $$",
    "has no such command": "echo 'error=1 error_msg=\"Command not registered\"'; exit 0",
    "is hostile": "printf 'VDD_CORE_A current(7)=1e999A\\033[2J\\nEXT5V_V volt(24)=nanV'; exit 0",
    "tells half": "echo 'VDD_CORE_A current(7)=1.0A'; echo 'EXT5V_V volt(24)=5.0V'; exit 0",
}


@pytest.mark.parametrize("code", FAILING.values(), ids=list(FAILING))
def test_a_vcgencmd_that_does_not_tell_is_a_device_error(folder: Path, code: str):
    pmic.install(folder, code=code)
    with pytest.raises(DeviceError) as caught:
        open_meter(SPEC)
    assert caught.value.cause.isprintable()


def test_no_vcgencmd_is_a_device_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="vcgencmd"):
        open_meter(SPEC)


def test_a_vcgencmd_that_fails_in_mid_run_keeps_what_was_read(folder: Path):
    handles, threads, children = open_handles(), threading.active_count(), child_pids()
    meter = open_meter(SPEC)
    meter.start()
    pmic.await_calls(folder, 3)
    pmic.install(folder, code="exit 1")
    pmic.await_calls(folder, MAX_FAILURES)
    stopped = time.monotonic()
    trace = meter.stop()
    assert time.monotonic() - stopped < READ_S
    meter.close()
    assert trace.fault is not None
    assert len(trace.time_s) >= 3
    assert (open_handles(), threading.active_count()) == (handles, threads)
    assert child_pids() == children


def test_a_reading_that_comes_late_is_a_gap(folder: Path):
    meter = open_meter(SPEC)
    meter.start()
    pmic.install(folder, code=f"rm '{folder}/late' 2> /dev/null && sleep 0.6")
    (folder / "late").touch()
    pmic.await_calls(folder, 4)
    trace = meter.stop()
    meter.close()
    # The reading counts for its middle: something is missing on both sides of it.
    assert trace.gaps
    assert trace.lost_samples >= 8


@pytest.mark.slow
def test_a_vcgencmd_that_hangs_ends_by_its_deadline(folder: Path):
    pmic.install(folder, code="sleep 60")
    started = time.monotonic()
    with pytest.raises(DeviceError, match="did not end within"):
        open_meter(SPEC)
    assert time.monotonic() - started < 15

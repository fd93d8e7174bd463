"""`edgeq meters`: listing, recording into a file, and what is kept when the meter goes away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq import api
from edgeq.cli.app import run
from edgeq.core.errors import UsageError
from edgeq.device.meters import recording
from edgeq.device.meters.recording import list_meters, summarize
from edgeq.device.meters.replay import ReplayMeter, read_trace, write_trace
from edgeq.device.meters.table import METERS
from edgeq.device.meters.trace import as_simulated
from edgeq.device.usb import UsbDevice
from tests.device.meters.test_replay import TRACE, check_equal


@pytest.fixture
def trace_file(tmp_path: Path) -> Path:
    """Return a recording without a fault."""
    path = tmp_path / "t.csv"
    path.write_text("time_s,current_a,voltage_v\n0,0.001,3\n0.5,0.002,3\n1,0.003,3\n")
    return path


def test_every_meter_is_listed_with_what_is_plugged_in() -> None:
    kit = UsbDevice("1915:c00a", "A1", "/dev/ttyACM0", "1-1")
    found = {m.name: m for m in list_meters((kit,))}
    assert list(found) == list(METERS)
    assert found["ppk2"].connected == ("/dev/ttyACM0 (serial number A1)",)
    assert found["lpm01a"].connected == ()
    assert found["joulescope"].needs == "pyjoulescope_driver"
    assert found["replay"].needs is None


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_the_list_is_printed(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["meters", "list", "--format", form]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in METERS)
    if form == "json":
        assert [m["name"] for m in json.loads(out)] == list(METERS)


def test_a_recording_is_kept_and_summed_up(trace_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.npz"
    found = api.record_meter(f"replay:{trace_file}", seconds=0.05, out=out)
    assert found.energy_j == pytest.approx(0.5 * 3 * 0.006)
    assert found.charge_c == pytest.approx(0.5 * 0.006)
    assert (found.samples, found.duration_s, found.peak_a) == (3, 1.5, 0.003)
    assert found.kind == "simulated"
    check_equal(read_trace(out), as_simulated(read_trace(trace_file)))


def test_a_recording_that_ended_early_is_kept_and_exits_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trace(tmp_path / "t.npz", TRACE)
    out = tmp_path / "out.npz"
    spec = f"replay:{tmp_path / 't.npz'}"
    assert run(["meters", "record", spec, "-s", "0.01", "-o", str(out), "--format", "json"]) == 5
    said = capsys.readouterr()
    assert json.loads(said.out)["fault"] == "unplugged"
    assert "incomplete: unplugged" in said.err
    assert str(out) in said.err
    check_equal(read_trace(out), as_simulated(TRACE))


def test_an_interrupted_recording_is_kept(
    trace_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float, on_progress: Callable[[str, float], None]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "_wait", interrupt)
    out = tmp_path / "out.npz"
    with pytest.raises(KeyboardInterrupt):
        api.record_meter(f"replay:{trace_file}", seconds=1, out=out)
    assert len(read_trace(out).time_s) == 3


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_time_that_is_none_is_refused(seconds: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot record"):
        api.record_meter("replay:x", seconds=seconds, out=tmp_path / "t.npz")


@pytest.mark.parametrize("name", ["t.csv", "t", "file/t.npz", "folder.npz"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_recorded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.npz").mkdir()
    monkeypatch.setattr(recording, "open_meter", lambda _: pytest.fail("it was opened"))
    with pytest.raises(UsageError):
        api.record_meter("replay:x", seconds=1, out=tmp_path / name)


def test_a_recording_without_samples_has_a_summary() -> None:
    empty = ReplayMeter(TRACE).stop()
    nothing = summarize(
        type(empty)("m", 1.0, 3.0, *(empty.time_s[:0],) * 3, empty.clipped[:0], fault="gone")
    )
    assert (nothing.energy_j, nothing.average_w, nothing.samples) == (0.0, 0.0, 0)

"""Recordings: what is written is read back, and a hostile file is refused with its name."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.device.meters.replay import ReplayMeter, read_trace, write_trace
from edgeq.device.meters.trace import Gap, Mark, Trace, as_simulated

TRACE = Trace(
    "Test meter", 0.5, 3.3, np.array([0.0, 0.5, 1.5]), np.array([1e-3, 2e-3, 3e-3]),
    np.array([3.3e-3, 6.6e-3, 9.9e-3]), np.array([False, True, False]),
    (Gap(1.0, 1.5, 1),), (Mark(0.5, "d0", "rising", 1e-5),), "unplugged", ("a warning",),
)  # fmt: skip
CSV = "time_s,current_a,voltage_v,d0\n0,0.001,3,0\n0.5,0.002,3,1\n1.0,0.002,3,1\n2.0,0.001,3,0\n"


def check_equal(one: Trace, other: Trace) -> None:
    """Assert that two traces are equal in every field."""
    for item in dataclasses.fields(Trace):
        np.testing.assert_array_equal(getattr(one, item.name), getattr(other, item.name))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_trace(tmp_path / "t.npz", TRACE)
    check_equal(read_trace(tmp_path / "t.npz"), TRACE)


def test_a_csv_gives_samples_gaps_and_edges(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    trace = read_trace(path)
    assert trace.period_s == 0.5
    assert trace.power_w.tolist() == [0.003, 0.006, 0.006, 0.003]
    assert trace.gaps == (Gap(1.5, 2.0, 1),)
    assert [(m.time_s, m.channel, m.edge) for m in trace.marks] == [
        (0.5, "d0", "rising"), (2.0, "d0", "falling"),
    ]  # fmt: skip


def test_a_replay_gives_the_recording_and_its_marks() -> None:
    meter = ReplayMeter(TRACE)
    meter.start()
    meter.mark("begin")
    check_equal(meter.stop(), as_simulated(TRACE))
    assert meter.gates == ("d0",)
    meter.close()
    meter.close()


def test_a_replay_without_marks_takes_the_hosts() -> None:
    meter = ReplayMeter(dataclasses.replace(TRACE, marks=()))
    meter.start()
    meter.mark("begin", uncertainty_s=0.25)
    (mark,) = meter.stop().marks
    assert (mark.channel, mark.edge) == ("begin", "marker")
    assert mark.time_s >= 0
    assert mark.uncertainty_s > 0.25


@pytest.mark.parametrize(
    "text",
    ["", "x", "time_s,current_a\n0,1\n1,1\n", "time_s,current_a,voltage_v\n",
     "time_s,current_a,voltage_v\n0,1,3\n", "time_s,current_a,voltage_v\n0,1\n1,1\n",
     "time_s,current_a,voltage_v\n0,nan,3\n1,1,3\n", "time_s,current_a,voltage_v\n1,1,3\n0,1,3\n",
     "time_s,current_a,voltage_v\n0,1,3\n0,1,3\n", "time_s,time_s,current_a\n0,0,1\n1,1,1\n",
     "time_s,current_a,voltage_v\n0,=cmd(),3\n1,1,3\n", "time_s,current_a,voltage_v,\x1b[31m\n0,1"],
)  # fmt: skip
def test_a_csv_that_is_no_trace_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"t\.csv") as failure:
        read_trace(path)
    assert failure.value.hint


@pytest.mark.parametrize(
    "change",
    [{"time_s": np.array([0.0, 0.5])}, {"time_s": np.array([0.0, 0.5, 0.5])},
     {"power_w": np.array([0.0, np.inf, 1.0])}, {"period_s": 0.0}, {"voltage_v": float("nan")},
     {"gaps": (Gap(1.0, 0.5, 1),)}, {"gaps": (Gap(0.5, 1.0, 0),)},
     {"marks": (Mark(2.0, "a", "rising", 0.0), Mark(1.0, "a", "rising", 0.0))}],
)  # fmt: skip
def test_an_npz_that_is_no_trace_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_trace(tmp_path / "t.npz", dataclasses.replace(TRACE, **change))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"t\.npz"):
        read_trace(tmp_path / "t.npz")


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 1000))
def test_a_damaged_npz_is_read_or_refused(noise: bytes, at: int) -> None:
    out = io.BytesIO()
    np.savez(out, head=np.zeros(3, np.uint8), time_s=TRACE.time_s)
    raw = bytearray(out.getvalue())
    raw[at : at + len(noise)] = noise
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.npz"
        path.write_bytes(bytes(raw))
        with pytest.raises(InputError):
            read_trace(path)


def test_a_head_of_other_numbers_is_refused(tmp_path: Path) -> None:
    arrays = {"time_s": TRACE.time_s, "current_a": TRACE.current_a, "power_w": TRACE.power_w}
    np.savez(tmp_path / "t.npz", head=np.array([1e300]), clipped=TRACE.clipped, **arrays)
    with pytest.raises(InputError, match="its head"):
        read_trace(tmp_path / "t.npz")


def test_a_pickle_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, head=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError):
        read_trace(path)

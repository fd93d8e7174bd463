"""The LPM01A's driver against the simulated shield: exact energy, and every fault told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.lpm01a_stream import parse_binary
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults, Span
from tests.support.meters.kits import Kit, await_command, lpm01a, record
from tests.support.meters.signals import Signal, bursts, constant, pieces, ramp

KIT = Kit("lpm01a", lpm01a, 1000, 3.0)
TEXT, BINARY = "voltage=3.0", "voltage=3.0,output=current,format=binary,rate=10000"
SIGNAL = bursts(3e-6, 7e-3, sleep_s=0.6, active_s=0.9, count=2)
"""3.6 s: 3,600 samples of text, with stamps at 0 to 3 s."""
SETTINGS = (
    "voltage=1.8,output=current,rate=5000",
    "voltage=3.3,output=energy,format=binary,rate=10000",
    pytest.param("voltage=3.0", marks=pytest.mark.slow),
    pytest.param("voltage=3.0,output=current,format=binary,rate=100000", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("chosen", SETTINGS)
@pytest.mark.parametrize(
    "signal",
    [
        constant(1.2345e-3, 0.5),
        ramp(1e-6, 40e-3, 0.5),
        pieces([(0.2, 1e-6, 1e-6), (0.3, 2e-2, 2e-2)]),
    ],
    ids=["constant", "ramp", "step"],
)
def test_the_energy_of_a_clean_trace(signal: Signal, chosen: str):
    volts = float(chosen[8:11])
    trace = record(KIT, signal, settings=chosen)
    found = energy_between(trace, 0, signal.end_s)
    charge = signal.charge_c(0, signal.end_s)
    assert found.energy_j == pytest.approx(volts * charge, rel=1e-3)
    assert found.charge_c == pytest.approx(charge, rel=1e-3)
    assert (trace.gaps, trace.clipped_samples, trace.fault, trace.warnings) == ((), 0, None, ())


def _lost_by_second(trace: Trace) -> dict[int, int]:
    """Return the lost samples by the second between two stamps that they are told in."""
    seconds: dict[int, int] = {}
    for gap in trace.gaps:
        second = round(gap.end_s * 1000 - 1) // 1000
        seconds[second] = seconds.get(second, 0) + gap.samples
    return seconds


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 900), st.integers(1, 99)), min_size=1,
             max_size=3, unique_by=lambda lost: lost[0])
)  # fmt: skip
@settings(max_examples=4, deadline=None)
def test_every_gap_is_told_by_the_next_stamp(places: list[tuple[int, int, int]]):
    lost = tuple(Span(1000 * second + first, count) for second, first, count in sorted(places))
    trace = record(KIT, SIGNAL, Faults(lost=lost))
    expected = {second: count for second, _, count in places}
    # A stamp that is lost with its samples leaves the loss to the stamp before it or after it.
    assert sum(_lost_by_second(trace).values()) == sum(expected.values())
    assert any("between two time stamps" in warning for warning in trace.warnings)
    assert energy_between(trace, 0, 3).lost >= sum(expected.values())


@given(st.integers(0, 25_000), st.integers(1, 4000))
@settings(max_examples=4, deadline=None)
def test_every_gap_in_binary_is_told_by_the_next_stamp(first: int, count: int):
    trace = record(KIT, SIGNAL, Faults(lost=(Span(first, count),)), settings=BINARY)
    assert trace.lost_samples == count


def test_a_gap_over_several_stamps_is_counted_whole():
    trace = record(KIT, SIGNAL, Faults(lost=(Span(500, 2000),)))
    assert trace.lost_samples == 2000


def test_a_gap_at_the_start_is_told():
    trace = record(KIT, SIGNAL, Faults(lost=(Span(0, 40),)))
    assert trace.lost_samples == 40


def test_damage_before_the_first_sample_is_a_gap():
    trace = record(KIT, SIGNAL, Faults(garbage={0: b"6409\r\n"}))
    (gap,) = trace.gaps
    assert (gap.start_s, gap.end_s, gap.samples) == (0.0, 1e-3, 1)
    assert energy_between(trace, 0, SIGNAL.end_s).lost == trace.lost_samples


@given(st.integers(5, 3000), st.integers(1, 50))
@settings(max_examples=3, deadline=None)
def test_every_clipped_sample_is_flagged(first: int, count: int):
    trace = record(KIT, SIGNAL, Faults(clipped=(Span(first, count),)))
    assert np.flatnonzero(trace.clipped).tolist() == list(range(first, first + count))


def test_an_overcurrent_in_binary_is_a_fault():
    trace = record(KIT, SIGNAL, Faults(clipped=(Span(900, 5),)), settings=BINARY)
    assert trace.clipped_samples == 5
    assert trace.fault is not None
    assert "overcurrent" in trace.fault


# Every thousandth line is a time stamp.
_LINES = st.integers(5, 3000).filter(lambda line: line % 1000)


@given(st.dictionaries(_LINES, st.integers(1, 8), min_size=1, max_size=4))
@settings(max_examples=3, deadline=None)
def test_half_a_sample_is_told(cuts: dict[int, int]):
    trace = record(KIT, constant(1.8e-3, 3.6), Faults(cut_bytes=cuts))
    assert trace.gaps
    assert trace.lost_samples >= 1
    assert trace.current_a.max() == pytest.approx(1.8e-3, rel=1e-3)


@pytest.mark.parametrize("count", [1, 4, 8])
def test_half_a_time_stamp_is_told_and_no_sample_lost(count: int):
    trace = record(KIT, constant(1.8e-3, 3.6), Faults(cut_bytes={1000: count}))
    (warning,) = trace.warnings
    assert warning.startswith("the LPM01A says: ")
    assert trace.lost_samples == 0
    assert trace.current_a.max() == pytest.approx(1.8e-3, rel=1e-3)


@given(st.integers(5, 30_000), st.sampled_from([1, 3, 2001]))
@settings(max_examples=3, deadline=None)
def test_a_lost_byte_in_binary_is_told(first: int, count: int):
    trace = record(KIT, SIGNAL, Faults(cut_bytes={first: count}), settings=BINARY)
    assert trace.gaps or trace.fault or trace.warnings
    assert trace.current_a.max() < 0.0501


def test_a_time_stamp_cut_in_binary_gives_no_samples():
    sample, stamp = b"\x41\x23", b"\xf0\xf3\0\0\x03\xe8\x05\xff\xff"
    data = (sample * 9 + stamp) * 2 + sample * 3
    most = 0x1FF / 16.0**4  # two halves of samples that meet
    for first in range(12, 33):
        for count in range(1, 16):
            items = parse_binary(data[:first] + data[first + count :])
            assert max(items.values, default=0.0) <= most, (first, count)


def test_an_event_is_a_mark_within_its_uncertainty():
    moments = (0.2504, 1.7001, 2.9999)
    trace = record(KIT, SIGNAL, events=moments)
    assert [mark.channel for mark in trace.marks] == ["d7"] * 3
    for mark, truth in zip(trace.marks, moments, strict=True):
        assert abs(mark.time_s - truth) <= mark.uncertainty_s <= 0.01


def test_old_firmware_is_named_in_the_hint():
    with lpm01a(SIGNAL, firmware="1.0.4") as rig:
        with pytest.raises(DeviceError, match="pwr off") as caught:
            open_meter(rig.spec)
        assert "1.0.6" in (caught.value.hint or "")


def test_the_shield_is_set_as_the_protocol_says_and_given_back():
    with lpm01a(SIGNAL) as rig:
        open_meter(rig.spec).close()
        said = await_command(rig, "hrc")
    assert said[0] == "htc"
    for command in ("trigsrc sw", "output energy", "format ascii_dec", "freq 1k", "volt 3000m"):
        assert command in said
    assert said.index("pwr off") < said.index("pwr on nostatus") < len(said) - 2


HOSTILE = {
    "huge numbers": b"9999+99\r\n" * 3,
    "not a number": b"nan\r\ninf-03\r\n-640907\r\n",
    "an endless line": b"7" * 3_000_000,
    "escapes": b"\x1b]0;owned\x07\x1b[2J\r\n",
    "zeros": b"\0" * 100_000 + b"\r\n",
    "a stamp from the future": b"TimeStamp: 99999999s 999ms, buff 00%\r\n",
    "metadata without an end": b"\xf0\xf2" + b"A" * 100_000,
}


@pytest.mark.parametrize("text", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("garbage", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_stream_is_told_and_gives_finite_numbers(garbage: bytes, text: str):
    signal = constant(1e-3, 0.5)
    trace = record(KIT, signal, Faults(garbage={300: garbage}), settings=text)
    assert np.isfinite(trace.power_w).all()
    assert len(trace.power_w) < 2_000_000
    truth = 3 * signal.charge_c(0, 0.5)
    is_right = energy_between(trace, 0, 0.5).energy_j == pytest.approx(truth, rel=1e-3)
    assert is_right or trace.gaps or trace.warnings or trace.fault or trace.clipped_samples
    told = [*trace.warnings, trace.fault or ""]
    assert all(one.isprintable() and len(one) < 500 for one in told)

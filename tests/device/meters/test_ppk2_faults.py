"""The PPK2's driver against the simulated kit: exact energy, and every fault told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults, Span
from tests.support.meters.kits import KITS, ppk2, record, record_from
from tests.support.meters.ppk2 import Calibration
from tests.support.meters.signals import bursts, constant, ramp

KIT = KITS[0]
RATE = 100_000
SIGNAL = bursts(3e-6, 7e-3, sleep_s=0.02, active_s=0.03, count=3)
COUNT = round(SIGNAL.end_s * RATE)


@st.composite
def _spans(draw: st.DrawFn, *, longest: int, apart: int = 1) -> tuple[Span, ...]:
    """Spans of samples, in order, between the signal's second and last sample."""
    spans, first = [], draw(st.integers(1, 3000))
    while first < COUNT - 2 * longest and len(spans) < 12:
        spans.append(Span(first, draw(st.integers(1, longest))))
        first = spans[-1].end + apart + draw(st.integers(0, 3000))
    return tuple(spans)


def _indices(trace: Trace) -> np.ndarray:
    return np.rint(trace.time_s * RATE).astype(int)


@given(_spans(longest=63, apart=8))
@settings(max_examples=5, deadline=None)
def test_every_gap_is_flagged_where_it_is(spans: tuple[Span, ...]):
    trace = record(KIT, SIGNAL, Faults(lost=spans))
    found = [(round(gap.start_s * RATE), gap.samples) for gap in trace.gaps]
    assert found == [(span.first, span.count) for span in spans]
    for span in spans:
        middle = (span.first + span.end) / 2 / RATE
        assert energy_between(trace, middle - 1e-3, middle + 1e-3).lost >= span.count
        assert energy_between(trace, middle, middle + 1e-3).lost > 0
        assert energy_between(trace, middle - 1e-3, middle).lost > 0
    assert trace.fault is None


@given(_spans(longest=5))
@settings(max_examples=5, deadline=None)
def test_gaps_close_together_may_be_told_as_one(spans: tuple[Span, ...]):
    trace = record(KIT, SIGNAL, Faults(lost=spans))
    lost = np.concatenate([np.arange(span.first, span.end) for span in spans])
    told = [np.arange(*np.rint(np.multiply((g.start_s, g.end_s), RATE))) for g in trace.gaps]
    assert np.isin(lost, np.concatenate(told)).all()


@given(st.lists(st.integers(65, 5000).filter(lambda n: n % 64), min_size=1, max_size=3))
@settings(max_examples=4, deadline=None)
def test_every_longer_gap_is_flagged_and_counted_modulo_64(counts: list[int]):
    spans = tuple(Span(500 + 5600 * i, count) for i, count in enumerate(counts))
    trace = record(KIT, SIGNAL, Faults(lost=spans))
    assert [gap.samples % 64 for gap in trace.gaps] == [count % 64 for count in counts]
    # Samples came faster than they can, so that their arrival tells nothing: that is told.
    assert any("losses" in warning for warning in trace.warnings)


@pytest.mark.slow  # in real time; test_losses.py holds the same with given times
@pytest.mark.parametrize("count", [19_968, 20_001])
def test_a_gap_beyond_the_counter_is_told_by_the_times_of_arrival(count: int):
    """19,968 is 312 * 64: the counter shows nothing at all."""
    faults = Faults(lost=(Span(40_000, count),))
    trace = record(KIT, constant(1e-3, 1.0), faults, realtime=True)
    exact = [gap.samples for gap in trace.gaps] == [count]
    assert exact or any("multiples of 64" in warning for warning in trace.warnings)
    assert bool(trace.gaps) == bool(count % 64)


@given(_spans(longest=50))
@settings(max_examples=4, deadline=None)
def test_every_clipped_sample_is_flagged_and_no_other(spans: tuple[Span, ...]):
    trace = record(KIT, SIGNAL, Faults(clipped=spans))
    expected = np.concatenate([np.arange(span.first, span.end) for span in spans])
    assert _indices(trace)[trace.clipped].tolist() == expected.tolist()
    assert energy_between(trace, 0, SIGNAL.end_s).clipped == len(expected)


@pytest.mark.parametrize("current", [20e-6, 2e-3, 0.4])
def test_a_clipped_sample_is_flagged_in_every_range(current: float):
    trace = record(KIT, constant(current, 0.1), Faults(clipped=(Span(10, 3),)))
    assert _indices(trace)[trace.clipped].tolist() == [10, 11, 12]


@given(st.dictionaries(st.integers(100, COUNT - 100), st.integers(1, 7), min_size=1, max_size=3))
@settings(max_examples=4, deadline=None)
def test_lost_bytes_are_told_and_the_words_found_again(cuts: dict[int, int]):
    trace = record(KIT, SIGNAL, Faults(cut_bytes=cuts))
    assert trace.warnings or trace.gaps
    assert len(trace.current_a) > COUNT - 2000 * len(cuts)
    assert trace.current_a.max() < 0.012


@given(
    st.dictionaries(
        st.integers(100, COUNT - 100), st.binary(min_size=1, max_size=500), min_size=1, max_size=2
    )
)
@settings(max_examples=4, deadline=None)
def test_garbage_between_the_words_is_told(garbage: dict[int, bytes]):
    trace = record(KIT, SIGNAL, Faults(garbage=garbage))
    assert trace.warnings or trace.gaps
    assert np.isfinite(trace.current_a).all()


def test_a_pause_of_the_link_without_a_loss_changes_nothing():
    with ppk2(SIGNAL, Faults(stalls={2000: 0.3, 9000: 0.2})) as rig:
        trace = record_from(rig)
    assert trace.gaps == ()
    truth = 3 * SIGNAL.charge_c(0, SIGNAL.end_s)
    assert energy_between(trace, 0, SIGNAL.end_s).energy_j == pytest.approx(truth, rel=1e-3)


def test_a_spike_of_one_sample_counts_as_what_it_is():
    trace = record(KIT, constant(1e-3, 0.1), Faults(spikes={5000: 0.02}))
    assert trace.current_a.max() == pytest.approx(0.021, rel=0.01)
    expected = 3 * (1e-3 * 0.1 + 0.02 / RATE)
    assert energy_between(trace, 0, 0.1).energy_j == pytest.approx(expected, rel=1e-3)


def test_another_calibration_gives_the_same_current():
    other = Calibration(r=(1000.0, 100.0, 10.0, 1.0, 0.05), ug=(1.1,) * 5, o=(0.0,) * 5)
    for calibration in (other, Calibration()):
        trace = record(KIT, ramp(1e-6, 0.9, 0.5), calibration=calibration)
        truth = 3 * 0.45 * 0.5
        assert energy_between(trace, 0, 0.5).energy_j == pytest.approx(truth, rel=1e-4)


def test_a_digital_channel_marks_its_edges():
    gates = {0: [(0.0100, 0.0200)], 5: [(0.0301, 0.0302)]}
    trace = record(KIT, SIGNAL, gates=gates)
    found = [(mark.channel, mark.edge, round(mark.time_s, 9)) for mark in trace.marks]
    assert found == [("d0", "rising", 0.01), ("d0", "falling", 0.02), ("d5", "rising", 0.0301),
                     ("d5", "falling", 0.0302)]  # fmt: skip


def _metadata(**changes: str) -> bytes:
    lines = Calibration().text(3000, 2).splitlines()
    known = dict(line.split(": ") for line in lines[:-1])
    return "\n".join([f"{k}: {v}" for k, v in {**known, **changes}.items()] + ["END"]).encode()


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "a megabyte without an end": b"R0: 1000\n" * 120_000,
    "not a number": _metadata(R2="nan"),
    "infinite": _metadata(GS1="1e400"),
    "no resistance": _metadata(R4="0"),
    "a word": _metadata(UG0="\x1b[2Jcleared"),
    "negative": _metadata(R1="-5"),
}


@pytest.mark.parametrize("metadata", HOSTILE.values(), ids=list(HOSTILE))
def test_metadata_that_is_not_a_calibration_is_a_device_error(metadata: bytes):
    with ppk2(SIGNAL, metadata=metadata) as rig:
        with pytest.raises(DeviceError) as caught:
            open_meter(rig.spec)
        assert caught.value.cause.isprintable()


@pytest.mark.parametrize("changes", [{"GS0": "1e300"}, {"R0": "1e-300"}, {"UG3": "-1e308"}])
def test_a_calibration_beyond_reason_gives_no_number_that_looks_right(changes: dict[str, str]):
    def current() -> Any:
        with ppk2(SIGNAL, metadata=_metadata(**changes)) as rig:
            meter = open_meter(rig.spec)
            try:
                meter.start()
                assert rig.ended.wait(20)
                return meter.stop().current_a
            finally:
                meter.close()

    with pytest.raises(DeviceError):
        current()

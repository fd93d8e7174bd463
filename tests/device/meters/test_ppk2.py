"""The PPK2 driver, byte for byte: what it sends, what it keeps when the kit goes away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.ppk2 import Ppk2Meter, Ppk2Settings
from edgeq.device.meters.ppk2_stream import SHUNTS
from edgeq.device.meters.trace import Trace
from tests.device.meters.scripted import ScriptedStream

METADATA = b"Calibrated: 1\r\nGS0: 0\r\nGI0: 1\r\nHW: 9173\r\nIA: 56\r\nEND\r\n"
SETTINGS = Ppk2Settings(voltage_v=3.0)


def pack(count: int, *, first: int = 0, adc: int = 1000, span: int = 0, digital: int = 0) -> bytes:
    """Return words of range `span`."""
    head = adc | span << 14 | digital << 24
    return b"".join(
        (head | (i & 63) << 18).to_bytes(4, "little") for i in range(first, first + count)
    )


def kit(samples: bytes | None = None, *then: None) -> ScriptedStream:
    """Return a connection that answers with metadata, and with samples once it is started."""
    answers = {b"\x19": [METADATA], b"\x06": [samples, *then]}
    return ScriptedStream(lambda data: answers.get(data, ()))


def record(stream: ScriptedStream) -> Trace:
    """Return the trace of a recording."""
    meter = Ppk2Meter(stream, SETTINGS)
    meter.start()
    meter.mark("host")
    trace = meter.stop()
    meter.close()
    meter.close()
    return trace


def test_it_sends_the_commands_of_the_kit_in_order() -> None:
    stream = kit(pack(10))
    record(stream)
    assert stream.written == [
        b"\x07", b"\x19", b"\x11\x02", bytes([0x0D, 11, 184]), b"\x0c\x01",
        b"\x06", b"\x07", b"\x0c\x00", b"\x0c\x00",
    ]  # fmt: skip
    assert stream.closed


def test_samples_are_amperes_and_watts() -> None:
    trace = record(kit(pack(10)))
    amperes = 4000 * (1.8 / 163840) / SHUNTS[0]
    assert trace.current_a.tolist() == pytest.approx([amperes] * 10)
    assert trace.power_w[0] == pytest.approx(3 * amperes)
    assert trace.time_s.tolist() == pytest.approx([i * 1e-5 for i in range(10)])
    assert trace.fault is None
    assert [m.channel for m in trace.marks] == ["host"]


def test_a_loss_is_a_gap_and_a_full_adc_is_clipped() -> None:
    trace = record(kit(pack(20) + pack(5, first=27, adc=16383)))
    (gap,) = trace.gaps
    assert gap.samples == 7
    assert (gap.start_s, gap.end_s) == pytest.approx((20e-5, 27e-5))
    assert trace.clipped.tolist() == [False] * 20 + [True] * 5


def test_a_current_beyond_the_kits_range_is_clipped() -> None:
    """In the top range, r (r + 1) amperes with r = 4 ADC 1.8 / 163840 / 0.043."""
    trace = record(kit(pack(3, adc=590, span=4) + pack(3, first=3, adc=610, span=4)))
    assert trace.current_a.tolist() == pytest.approx([0.9665] * 3 + [1.0118] * 3, rel=1e-3)
    assert trace.clipped.tolist() == [False] * 3 + [True] * 3


def test_digital_channels_make_marks() -> None:
    trace = record(kit(pack(5) + pack(5, first=5, digital=9) + pack(5, first=10, digital=8)))
    edges = [(m.channel, m.edge, round(m.time_s * 1e5)) for m in trace.marks if m.edge != "marker"]
    assert edges == [("d0", "rising", 5), ("d3", "rising", 5), ("d0", "falling", 10)]


def test_a_kit_that_goes_away_leaves_what_it_sent() -> None:
    trace = record(kit(pack(100), None))
    assert len(trace.time_s) == 100
    assert trace.fault is not None
    assert "gone" in trace.fault


@pytest.mark.parametrize("answer", [b"", b"\x00" * 100_000, b"R0: 1\n" * 50_000])
def test_a_kit_without_metadata_ends_in_time(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.device.meters.ppk2.REPLY_S", 0.3)

    def answers(data: bytes) -> Iterator[bytes]:
        if data == b"\x19":
            yield answer

    started = time.monotonic()
    with pytest.raises(DeviceError, match="does not answer") as failure:
        Ppk2Meter(ScriptedStream(answers), SETTINGS)
    assert failure.value.hint
    assert time.monotonic() - started < 10


def test_a_kit_that_sends_no_samples_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.device.meters.streamed.FIRST_S", 0.1)
    meter = Ppk2Meter(kit(b""), SETTINGS)
    with pytest.raises(DeviceError, match="no samples"):
        meter.start()
    meter.close()


@pytest.mark.parametrize("volts", [0.0, 0.79, 5.01, float("nan"), float("inf")])
def test_a_voltage_that_the_kit_does_not_have_is_refused(volts: float) -> None:
    with pytest.raises(UsageError, match="V, not"):
        Ppk2Meter(kit(), Ppk2Settings(voltage_v=volts))


def test_stop_without_start_is_refused() -> None:
    with pytest.raises(UsageError, match="not started"):
        Ppk2Meter(kit(), SETTINGS).stop()

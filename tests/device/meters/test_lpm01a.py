"""The LPM01A: both formats of its stream, its commands, losses by its time stamps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters import lpm01a_stream, sampling
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.lpm01a import Lpm01aMeter, Lpm01aSettings, check_settings
from edgeq.device.meters.lpm01a_stream import parse_ascii, parse_binary, values_of
from edgeq.device.meters.trace import Trace
from tests.device.meters.scripted import ScriptedStream

ASCII = Lpm01aSettings(voltage_v=1.8)
BINARY = Lpm01aSettings(voltage_v=3.0, format="binary", output="current", frequency_hz=10_000)
INIT = (
    b"htc", b'lcd 1 "     edgeq      "', b"pwr off", b"acqtime inf", b"trigdelay 0",
    b"trigsrc sw", b"eventsrc d7 fal", b"output energy", b"format ascii_dec", b"freq 1k",
    b"volt 1800m", b"pwr on nostatus",
)  # fmt: skip


def shield(data: bytes = b"", refuse: bytes = b"-") -> ScriptedStream:
    """Return a connection that acknowledges commands, and sends `data` once it is started."""

    def answer(written: bytes) -> Iterator[bytes]:
        for command in written.splitlines():
            if command.startswith(refuse):
                yield b"PowerShield > error " + command + b"\r\nError detail: no such thing\r\n"
            else:
                yield b"PowerShield > ack " + command + b"\r\n"
            if command == b"start":
                yield data

    return ScriptedStream(answer)


def record(data: bytes, settings: Lpm01aSettings = ASCII) -> Trace:
    """Return the trace of a recording in which `data` arrives."""
    meter = Lpm01aMeter(shield(data), settings)
    meter.start()
    trace = meter.stop()
    meter.close()
    return trace


def lines(count: int, sample: bytes = b"1800-09") -> bytes:
    """Return `count` samples in ASCII."""
    return (sample + b"\r\n") * count


def stamp(ms: int) -> bytes:
    """Return a time stamp in ASCII."""
    return f"TimeStamp: {ms // 1000:03d}s {ms % 1000:03d}ms, buff 00%\r\n".encode()


def test_it_sends_the_commands_of_the_public_runner_in_order() -> None:
    stream = shield(lines(3))
    meter = Lpm01aMeter(stream, ASCII)
    meter.start()
    meter.stop()
    meter.close()
    assert b"".join(stream.written).splitlines() == [*INIT, b"start", b"stop", b"pwr off", b"hrc"]


def test_a_sample_of_energy_is_power_over_its_period() -> None:
    trace = record(lines(1000) + stamp(1000) + lines(500))
    assert trace.power_w.tolist() == pytest.approx([1.8e-6 * 1000] * 1500)
    assert trace.current_a[0] == pytest.approx(1e-3)
    assert (trace.gaps, trace.warnings, trace.fault) == ((), (), None)


@pytest.mark.parametrize("broken", [b"", b"180", b"\xff\x00"])
def test_a_loss_shows_by_the_time_stamps(broken: bytes) -> None:
    data = lines(400) + (broken + b"\r\n") * bool(broken) + lines(580) + stamp(1000) + lines(10)
    trace = record(data)
    assert trace.lost_samples == 20
    assert trace.end_s == pytest.approx(1.010)
    assert trace.warnings


def test_a_loss_just_before_the_end_is_a_gap_as_well() -> None:
    trace = record(lines(990) + stamp(1000))
    assert [(g.start_s, g.samples) for g in trace.gaps] == [(pytest.approx(0.99), 10)]
    assert energy_between(trace, 0.0, 1.0).lost == 10


def test_a_lost_digit_is_no_sample() -> None:
    trace = record(lines(500) + b"180-09\r\n" + lines(499) + stamp(1000) + lines(1))
    assert trace.power_w.max() == pytest.approx(trace.power_w.min())
    assert trace.lost_samples == 1


def test_an_event_is_a_mark_at_its_sample() -> None:
    trace = record(lines(7) + b"event 1 fal\r\n" + lines(3) + b"event 2 ris\r\n" + lines(1))
    found = [(m.channel, m.edge, m.time_s, m.uncertainty_s) for m in trace.marks]
    assert found == [("d7", "falling", 0.007, 0.001), ("d7", "rising", 0.010, 0.001)]


def test_a_channel_that_is_not_wired_hides_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lpm01a_stream, sampling):
        monkeypatch.setattr(module, "MAX_EDGES", 50)
    trace = record(b"event 1 fal\r\n" * 60 + lines(990) + stamp(1000) + lines(1))
    assert len(trace.marks) == 50
    assert any("d7 has more than 50 edges" in warning for warning in trace.warnings)
    assert trace.lost_samples == 10


def test_an_event_beside_a_loss_is_less_sure() -> None:
    trace = record(lines(500) + b"event 1 fal\r\n" + lines(490) + stamp(1000) + lines(1))
    assert trace.marks[0].uncertainty_s == pytest.approx(0.011)


@pytest.mark.parametrize("text", [b"overcurrent detected", b"target power-down"])
def test_a_board_without_power_is_a_fault(text: bytes) -> None:
    trace = record(lines(5) + b"PowerShield > " + text + b"\r\n")
    assert trace.fault is not None
    assert text.decode() in trace.fault


def words(*values: int) -> bytes:
    """Return 16-bit words."""
    return b"".join(v.to_bytes(2, "big") for v in values)


def test_binary_samples_have_a_mantissa_and_a_negative_exponent() -> None:
    samples = words(0x0001, 0x1010, 0x2100, 0x4FFF)
    assert values_of(parse_binary(samples)).tolist() == [1.0, 1.0, 1.0, 4095 / 65536]


def binary_stamp(ms: int) -> bytes:
    """Return a time stamp in binary."""
    return b"\xf0\xf3" + ms.to_bytes(4, "big") + b"\x05\xff\xff"


def test_binary_metadata_stand_between_samples() -> None:
    sample = words(0x4020)
    data = sample * 10 + binary_stamp(1) + sample * 10 + binary_stamp(2)
    trace = record(data + b"\xf0\xf2low\xff\xff\xf0\xf7\x0b\xb8\xff\xff" + sample, BINARY)
    assert trace.current_a.tolist() == pytest.approx([32 / 65536] * 21)
    assert trace.power_w[0] == pytest.approx(3 * 32 / 65536)
    assert trace.warnings == ("the LPM01A says: low",)
    assert trace.lost_samples == 0


def test_a_lost_binary_sample_is_a_gap() -> None:
    sample = words(0x4020)
    trace = record(sample * 10 + binary_stamp(1) + sample * 6 + binary_stamp(2) + sample, BINARY)
    assert trace.lost_samples == 4


def test_where_a_byte_is_lost_nothing_is_guessed() -> None:
    sample = words(0x4020)
    odd = (sample * 10)[:9] + (sample * 10)[10:]
    trace = record(sample * 10 + binary_stamp(1) + odd + binary_stamp(2) + sample, BINARY)
    assert trace.lost_samples == 10
    assert trace.current_a.max() == pytest.approx(32 / 65536)


def test_binary_overcurrent_is_a_fault() -> None:
    trace = record(words(0x4020) * 5 + b"\xf0\xf5\xff\xff", BINARY)
    assert trace.fault == "the LPM01A says: overcurrent"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    for parse in (parse_ascii, parse_binary):
        items = parse(data)
        assert len(items.values) == len(items.ends)
        assert list(items.ends) == sorted(items.ends)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([lines(1), stamp(5), b"event 1 ris\r\n", b"x", b"\r\n", b"9+99\n"]))
)
def test_any_order_of_lines_is_a_trace(parts: list[bytes]) -> None:
    items = parse_ascii(b"".join(parts))
    assert len(items.values) == len(items.ends)


@pytest.mark.parametrize(
    ("refuse", "hint"), [(b"pwr off", "1.0.6"), (b"eventsrc", "1.0.6"), (b"htc", "firmware")]
)
def test_a_refused_command_says_why(refuse: bytes, hint: str) -> None:
    with pytest.raises(DeviceError, match=f"refuses '{refuse.decode()}.*no such thing") as failure:
        Lpm01aMeter(shield(refuse=refuse), ASCII)
    assert hint in failure.value.hint


def test_a_silent_shield_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.device.meters.lpm01a.REPLY_S", 0.2)
    with pytest.raises(DeviceError, match="does not answer 'htc'"):
        Lpm01aMeter(ScriptedStream(), ASCII)


@pytest.mark.parametrize(
    "settings",
    [Lpm01aSettings(1.8, frequency_hz=999), Lpm01aSettings(1.8, frequency_hz=10_000),
     Lpm01aSettings(1.8, format="binary", frequency_hz=20_000), Lpm01aSettings(1.7),
     Lpm01aSettings(3.4), Lpm01aSettings(float("nan"))],
)  # fmt: skip
def test_a_setting_that_the_shield_does_not_have_is_refused(settings: Lpm01aSettings) -> None:
    with pytest.raises(UsageError):
        check_settings(settings)

"""The simulated Power Shield against literal bytes of its wire format."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.meters.faults import Faults, Span
from tests.support.meters.lpm01a import Lpm01a, binary_sample, text_sample
from tests.support.meters.signals import Signal, constant

INIT = (
    "htc", 'lcd 1 "edgeq"', "acqtime inf", "trigdelay 0", "trigsrc sw", "eventsrc d7 fal",
    "output energy", "format ascii_dec", "freq 1k", "volt 1800m", "pwr on nostatus",
)  # fmt: skip


def _shield(signal: Signal, *more: str, faults: Faults | None = None, **options: object) -> Lpm01a:
    shield = Lpm01a(signal, faults or Faults(), **options)  # type: ignore[arg-type]
    for command in (*INIT, *more, "start"):
        answer = f"PowerShield > ack {command}\r\n".encode()
        assert shield.hear(f"{command}\r\n".encode()) == answer
    return shield


def _block(shield: Lpm01a, first: int, count: int) -> bytes:
    current = shield.faults.seen(shield.signal, first, count, shield.rate_hz)
    kept, clipped = shield.faults.kept(first, count), shield.faults.saturated(first, count)
    return shield.encode(first, current, kept, clipped)


def test_the_manuals_example_values():
    assert text_sample(640.9e-6) == (b"6409-07\r\n", pytest.approx(640.9e-6))
    # The manual gives 52A0 for 640.9 µA: 0x2A0 / 16^5.
    assert pytest.approx(640.9e-6, rel=1e-4) == 0x2A0 / 16**5
    assert binary_sample(0x2A0 / 16**5) == (b"\x52\xa0", 0x2A0 / 16**5)


@given(st.floats(1e-9, 0.05))
def test_both_formats_keep_a_value_to_their_resolution(value: float):
    text, written = text_sample(value)
    assert written == pytest.approx(value, rel=5.1e-4)
    assert float(text[:4] + b"e" + text[4:7]) == pytest.approx(written, rel=1e-12)
    data, written = binary_sample(value)
    assert written == pytest.approx(value, rel=2.1e-3, abs=0.6 / 16**9)
    assert data[0] != 0xF0


def test_energy_in_text_with_a_stamp_each_1000_samples():
    lines = _block(_shield(constant(1e-3, 2.0)), 0, 1001).split(b"\r\n")
    assert lines[0] == b"TimeStamp: 000s 000ms, buff 00%"
    assert set(lines[1:1001]) == {b"1800-09"}
    assert lines[1001:] == [b"TimeStamp: 001s 000ms, buff 00%", b"1800-09", b""]


def test_current_in_binary_with_its_metadata():
    shield = _shield(constant(640.869140625e-6, 4.0), "output current", "format bin_hexa")
    assert _block(shield, 3000, 2) == b"\xf0\xf3\x00\x00\x0b\xb8\x00\xff\xff" + b"\x52\xa0" * 2
    assert shield.hear(b"stop\r\n").startswith(b"\xf0\xf4\xff\xff")


def test_overcurrent_is_told_in_binary_and_clips():
    faults = Faults(clipped=(Span(1, 1),))
    shield = _shield(constant(0, 1), "output current", "format bin_hexa", faults=faults)
    at_top = binary_sample(50e-3)[0]
    assert _block(shield, 1, 1) == b"\xf0\xf5\xff\xff" + at_top


def test_an_edge_is_an_event_between_samples():
    shield = _shield(constant(0, 1), events=(0.0015, 0.0035))
    lines = _block(shield, 0, 4).split(b"\r\n")
    assert lines[1:-1] == [b"0000-09", b"event 0 ris", b"0000-09", b"0000-09", b"event 1 ris",
                           b"0000-09"]  # fmt: skip


def test_stop_completes_the_acquisition():
    shield = _shield(constant(0, 1))
    assert shield.hear(b"sto") == b""
    answer = b"PowerShield > ack stop\r\nPowerShield > Acquisition completed\r\n"
    assert shield.hear(b"p\r\n") == answer


@pytest.mark.parametrize(
    "command", ["volt 5000m", "freq 3k", "format text", "nonsense", "pwr", 'lcd 3 "x"']
)
def test_what_is_not_valid_is_an_error_with_its_detail(command: str):
    shield = Lpm01a(constant(0, 1))
    shield.hear(b"htc\r\n")
    answer = shield.hear(f"{command}\r\n".encode()).decode()
    assert answer.startswith(f"PowerShield > error {command}\r\nError detail: ")


def test_a_command_before_htc_is_an_error():
    assert b"error volt 3000m" in Lpm01a(constant(0, 1)).hear(b"volt 3000m\r\n")


def test_old_firmware_refuses_pwr_off_and_eventsrc():
    shield = Lpm01a(constant(0, 1), firmware="1.0.4")
    shield.hear(b"htc\r\n")
    assert b"error pwr off" in shield.hear(b"pwr off\r\n")
    assert b"error eventsrc d7 fal" in shield.hear(b"eventsrc d7 fal\r\n")
    assert shield.hear(b"version\r\n") == b"PowerShield > ack version 1.0.4\r\n"


def test_values_can_be_asked_for():
    shield = Lpm01a(constant(0, 1))
    shield.hear(b"htc\r\nvolt 3292m\r\n")
    assert shield.hear(b"volt get\r\n") == b"PowerShield > ack volt get 3292-03\r\n"
    assert shield.hear(b"temp degc\r\n") == b"PowerShield > ack temp degc 28.0\r\n"


def test_the_sum_of_what_is_sent_is_the_integral():
    shield = _shield(constant(1.23456e-3, 1.0), "output current", "freq 5k")
    lines = _block(shield, 0, 5000).split(b"\r\n")
    values = [float(line[:4] + b"e" + line[4:]) for line in lines if line[4:5] in (b"-", b"+")]
    assert len(values) == 5000
    assert np.sum(values) / 5000 == pytest.approx(1.23456e-3, rel=1e-6)

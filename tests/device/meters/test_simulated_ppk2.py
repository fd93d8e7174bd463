"""The simulated PPK2 against literal bytes of its wire format."""

from __future__ import annotations

import contextlib
import os
import select
import time

import numpy as np
import pytest

from tests.support.meters.faults import Faults, Span
from tests.support.meters.ppk2 import Calibration, Ppk2
from tests.support.meters.signals import bursts, constant, ramp
from tests.support.meters.wire import plugged_in

PLAIN = Calibration(
    r=(1031.64, 101.65, 10.15, 0.94, 0.043),
    gs=(0.0,) * 5, gi=(1.0,) * 5, o=(0.0,) * 5, s=(0.0,) * 5, i=(0.0,) * 5, ug=(1.0,) * 5,
)  # fmt: skip


def _words(kit: Ppk2, current: float, first: int = 0, count: int = 1) -> list[int]:
    kit.hear(b"\x0c\x01")
    keep, clip = np.ones(count, bool), np.zeros(count, bool)
    data = kit.encode(first, np.full(count, current), keep, clip)
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def test_a_sample_is_adc_range_counter_and_digital_bits():
    # 40 µA in range 0: 40e-6 * 1031.64 * 163840 / 1.8 / 4 = 939.0 of the 14-bit ADC.
    kit = Ppk2(constant(0, 1), calibration=PLAIN, gates={0: [(0, 1)], 7: [(0, 1)]})
    assert _words(kit, 40e-6, first=65) == [939 | 0 << 14 | 1 << 18 | 0x81 << 24]
    # 0.5 A in range 4: 0.5 * 0.043 * 163840 / 1.8 / 4 = 489.2.
    assert _words(kit, 0.5) == [489 | 4 << 14 | 0x81 << 24]


def test_the_regulator_takes_millivolts_above_800_less_32():
    kit = Ppk2(constant(0, 1))
    for mv, wire in ((800, b"\x0d\x03\x20"), (3000, b"\x0d\x0b\xb8"), (5000, b"\x0d\x13\x88")):
        assert wire[1:] == bytes([3 + (mv - 768) // 256, (mv - 768) % 256])
        kit.hear(wire)
        assert kit.set.vdd_mv == mv


def test_opcodes_may_arrive_in_pieces():
    kit = Ppk2(constant(0, 1))
    assert kit.hear(b"\x11") + kit.hear(b"\x02\x0c") + kit.hear(b"\x01\x06") == b""
    assert kit.set.commands == [b"\x11\x02", b"\x0c\x01", b"\x06"]
    assert kit.set.mode == 2
    assert kit.set.powered


def test_metadata_is_text_up_to_end():
    text = Ppk2(constant(0, 1)).hear(b"\x19").decode("ascii")
    assert text.endswith("\nEND\n")
    values = dict(line.split(": ") for line in text.splitlines() if ":" in line)
    keys = {f"{key}{n}" for key in ("R", "GS", "GI", "O", "S", "I", "UG") for n in range(5)}
    assert keys | {"Calibrated", "HW", "IA", "VDD", "mode"} == values.keys()
    assert float(values["R4"]) == 0.04375


@pytest.mark.parametrize("current", [1e-6, 30e-6, 300e-6, 3e-3, 30e-3, 0.3])
def test_codes_stand_for_the_current_that_was_shown(current: float):
    kit = Ppk2(constant(0, 1))
    code, span = kit.quantise(np.full(10_000, current))
    step = kit.calibration.step_a(int(span[0]))
    shown = kit.calibration.current(code, span, kit.set.vdd_mv)
    assert np.max(np.abs(shown - current)) < 1.02 * step
    assert np.mean(shown) == pytest.approx(current, abs=2e-4 * step + 1e-4 * current)


def test_a_signals_integral_is_exact():
    signal = bursts(2e-6, 5e-3, sleep_s=0.01, active_s=0.03, count=3)
    assert signal.charge_c(0, signal.end_s) == pytest.approx(4 * 2e-8 + 3 * 1.1 * 1.5e-4, rel=1e-12)
    edges = np.linspace(-0.01, signal.end_s + 0.01, 1237)
    means = signal.means(edges)
    whole = signal.charge_c(-0.01, signal.end_s + 0.01)
    assert np.sum(means * np.diff(edges)) == pytest.approx(whole, rel=1e-12)
    assert ramp(0, 1, 2).charge_c(0.5, 1.5) == pytest.approx(0.5)


def test_lost_samples_leave_no_byte_and_the_counter_goes_on():
    kit = Ppk2(constant(0, 1), Faults(lost=(Span(3, 70),)))
    keep = kit.faults.kept(0, 80)
    data = kit.encode(0, np.zeros(80), keep, np.zeros(80, bool))
    counters = [
        int.from_bytes(data[i : i + 4], "little") >> 18 & 63 for i in range(0, len(data), 4)
    ]
    assert counters == [0, 1, 2, *(n % 64 for n in range(73, 80))]


def _read(handle: int, seconds: float, size: int) -> bytes:
    data, until = b"", time.monotonic() + seconds
    while len(data) < size and select.select([handle], [], [], until - time.monotonic())[0]:
        data += os.read(handle, 65536)
    return data


def test_a_second_of_samples_comes_faster_than_a_second():
    kit = Ppk2(constant(1e-3, 1.0))
    with plugged_in(kit) as plug:
        handle = os.open(plug.path, os.O_RDWR | os.O_NOCTTY)
        os.write(handle, b"\x0c\x01\x06")
        data = _read(handle, 30, 400_000)
        os.write(handle, b"\x07")
        assert kit.ended.wait(10)
        os.close(handle)
    words = np.frombuffer(data[:400_000], "<u4")
    assert np.array_equal(words >> 18 & 63, np.arange(100_000) % 64)


def test_a_pulled_plug_ends_the_port_after_what_was_sent():
    kit = Ppk2(constant(1e-3, 1.0))
    with plugged_in(kit, unplug_after=4001) as plug:
        handle = os.open(plug.path, os.O_RDWR | os.O_NOCTTY)
        os.write(handle, b"\x06")
        data = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(handle, 4096):
                data += chunk
        os.close(handle)
    assert len(data) == 4001

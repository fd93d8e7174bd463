"""The simulated INA bridge against lines worked out by hand from the sketch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.meters.faults import Faults, Span
from tests.support.meters.ina_bridge import InaBridge, frame
from tests.support.meters.signals import constant

KEPT, CLEAR = np.ones(3, bool), np.zeros(3, bool)


def _lines(bridge: InaBridge, first: int = 0) -> list[str]:
    current = np.full(3, bridge.signal.current_a[0])
    data = bridge.encode(first, current, bridge.faults.kept(first, 3), CLEAR)
    return data.decode().splitlines()


def test_a_line_ends_with_the_xor_of_its_bytes():
    # '#' ^ 's' ^ 't' ^ 'a' ^ 'r' ^ 't' = 0x23 ^ 0x73 ^ 0x74 ^ 0x61 ^ 0x72 ^ 0x74
    assert frame("#start") == b"#start*43\n"
    assert InaBridge(constant(0, 1)).hear(b"STOP\n") == frame("#stop")


@pytest.mark.parametrize(
    ("chip", "expected"),
    [
        # 1.6 A / 2^15 = 48.828125 uA; 320 mV over 0.1 ohm is more than 1.6 A.
        ("INA219", "#ina-bridge,1,INA219,48828125,4000000000,1600000,0,2500"),
        ("INA226", "#ina-bridge,1,INA226,48828125,1250000000,819200,0,2500"),
        ("INA228", "#ina-bridge,1,INA228,3051758,195312500,1600000,1,2500"),
    ],
)
def test_hello_says_what_the_chip_can(chip: str, expected: str):
    assert InaBridge(constant(0, 1), chip=chip).hear(b"HEL") == b""
    bridge = InaBridge(constant(0, 1), chip=chip)
    assert bridge.hear(b"HEL") + bridge.hear(b"LO\r\n") == frame(expected)


def test_the_period_stays_within_its_limits():
    bridge = InaBridge(constant(0, 1))
    assert bridge.hear(b"PERIOD 5000\n") == frame("#period,5000")
    assert bridge.hear(b"PERIOD 1\n") == frame("#period,1000")
    assert bridge.hear(b"PERIOD 9999999\n") == frame("#period,1000000")


def test_samples_hold_raw_registers_at_their_end():
    # 0.1 A is 32768 steps of 1.6 / 2^19 A; a step of energy is 51.2 * 3.0518e-6 J.
    bridge = InaBridge(constant(0.1, 9), first_us=0, first_energy=0)
    bridge.hear(b"START\n")
    fields = [line.partition("*")[0].split(",") for line in _lines(bridge)]
    assert [f[:2] for f in fields] == [["s", "0"], ["s", "1"], ["s", "2"]]
    ends = [int(f[2]) for f in fields]
    assert all(2500 * (i + 1) <= end < 2500 * (i + 1) + 100 for i, end in enumerate(ends))
    assert {f[3] for f in fields} == {"16896"}  # 3.3 V / 195.3125 uV
    assert {f[4] for f in fields} == {"32768"}
    assert int(fields[2][5]) == int(0.33 * ends[2] * 1e-6 / (51.2 * 1.6 / 2**19))
    assert int(fields[2][6]) == pytest.approx(0.1 * ends[2] * 1e-6 / (1.6 / 2**19), abs=1)


def test_time_and_sequence_wrap_and_a_lost_line_is_counted():
    bridge = InaBridge(constant(0, 9), Faults(lost=(Span(1, 1),)), first_us=2**32 - 5000)
    bridge.hear(b"START\n")
    first, last = (line.split(",") for line in _lines(bridge))
    assert (first[1], last[1]) == ("0", "2")
    assert int(first[2]) == 2**32 - 2500
    assert 2500 <= int(last[2]) < 2600


def test_an_edge_stands_before_the_sample_that_it_fell_into():
    bridge = InaBridge(constant(0, 9), gate=[(0.0030, 0.0055)], missed=2, first_us=0)
    bridge.hear(b"START\n")
    lines = [line.partition("*")[0] for line in _lines(bridge)]
    assert [line[0] for line in lines] == ["s", "e", "s", "e", "s"]
    assert (lines[1], lines[3]) == ("e,1,3000,1,2", "e,3,5500,0,0")

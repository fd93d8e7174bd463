"""The simulated bridge, PMIC and Joulescope against literal examples of their formats."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.meters import pmic
from tests.support.meters.faults import Faults, Span
from tests.support.meters.ina_series import InaSeries
from tests.support.meters.joulescope import FIRST_SAMPLE, Instrument, driver_module
from tests.support.meters.signals import constant, ramp


def test_the_bridge_answers_each_command_with_a_json_line():
    bridge = InaSeries(constant(0, 1))
    assert bridge.hear(b"PING\n") == b'{"v":1,"type":"PONG"}\r\n'
    assert bridge.hear(b"sr 50") == b""
    assert bridge.hear(b"0\r\n") == b'{"v":1,"type":"ACK","cmd":"SR","hz":400}\r\n'
    assert bridge.hear(b"IMAX 2\n") == b'{"v":1,"type":"ACK","cmd":"IMAX","A":2.000000}\r\n'
    assert bridge.hear(b"BOOM\n") == b'{"v":1,"type":"ERR","msg":"Unknown cmd","line":"BOOM"}\r\n'


def test_the_bridge_counts_its_samples_and_milliseconds():
    bridge = InaSeries(constant(0.15, 9), Faults(lost=(Span(1, 1),)), first_ms=2**32 - 10)
    bridge.hear(b"SR 100\nSTART\n")
    data = bridge.encode(0, np.full(3, 0.15), bridge.faults.kept(0, 3), np.zeros(3, bool))
    first, last = map(json.loads, data.splitlines())
    assert first["chip"] == "INA228"
    assert first["bus_V"] == pytest.approx(3.3, abs=1e-4)
    assert first["current_A"] == pytest.approx(0.15, abs=2e-5)
    assert first["power_W"] == pytest.approx(0.495, abs=1e-4)
    assert [first["seq"], last["seq"]] == [0, 2]
    assert [first["t_ms"], last["t_ms"]] == [2**32 - 10, 10]


def test_vcgencmd_prints_a_line_a_rail(tmp_path: Path):
    program = pmic.install(tmp_path)
    done = subprocess.run([program, "pmic_read_adc"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "    3V7_WL_SW_A current(0)=0.00390388A"
    assert "     VDD_CORE_V volt(15)=0.72193060V" in lines
    assert lines[-2] == "        EXT5V_V volt(24)=5.15972100V"
    found = dict(re.findall(r"(\w+_[AV]) \w+\(\d+\)=([\d.]+)[AV]", done.stdout))
    watts = sum(float(found[f"{n}_A"]) * float(found[f"{n}_V"]) for n in pmic.RAILS)
    assert watts == pytest.approx(pmic.power_w(), rel=1e-9)
    assert subprocess.run([program, "measure_temp"], check=False).returncode == 255


def _record(instrument: Instrument, stream: str, **options: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    with driver_module(instrument).Driver() as driver:
        (path,) = driver.device_paths()
        driver.open(path)
        driver.publish(f"{path}/h/fs", 100_000)
        driver.subscribe(f"{path}/{stream}/!data", "pub", lambda _, v: messages.append(v))
        driver.publish(f"{path}/{stream}/ctrl", 1)
        assert instrument.ended.wait(10)
        driver.publish(f"{path}/{stream}/ctrl", 0)
        driver.close(path)
    assert not [t for t in threading.enumerate() if t.name == "simulated Joulescope"]
    return messages


def test_a_joulescope_message_has_the_drivers_keys():
    messages = _record(Instrument(ramp(0, 1e-3, 0.1)), "s/i")
    assert messages[0].keys() == {
        "sample_id", "utc", "field_id", "index", "sample_rate", "decimate_factor", "time_map",
        "data",
    }  # fmt: skip
    assert (messages[0]["sample_rate"], messages[0]["decimate_factor"]) == (1_000_000, 10)
    assert [m["sample_id"] - FIRST_SAMPLE for m in messages[:3]] == [0, 10_000, 20_000]
    data = np.concatenate([m["data"] for m in messages])[:10_000]
    assert data.dtype == np.float32
    assert np.sum(data.astype(float)) / 1e5 == pytest.approx(0.5e-4, rel=1e-6)


def test_lost_joulescope_samples_are_a_jump_of_the_sample_id():
    messages = _record(Instrument(constant(1e-3, 0.1), Faults(lost=(Span(1500, 700),))), "s/i")
    spans = [(m["sample_id"] - FIRST_SAMPLE, len(m["data"])) for m in messages[:4]]
    assert spans == [(0, 1000), (10_000, 500), (22_000, 800), (30_000, 1000)]


def test_a_joulescope_input_is_a_bit_a_sample_lowest_first():
    messages = _record(Instrument(constant(0, 0.05), gates={0: [(0.0001, 0.0002)]}), "s/gpi/0")
    bits = np.unpackbits(messages[0]["data"], bitorder="little")
    assert np.flatnonzero(bits).tolist() == list(range(10, 20))


def test_a_joulescope_refuses_what_its_driver_refuses():
    instrument = Instrument(constant(0, 1))
    with driver_module(instrument).Driver() as driver:
        with pytest.raises(RuntimeError, match="UNAVAILABLE"):
            driver.publish(f"{instrument.path}/s/i/ctrl", 1)
        driver.open(instrument.path)
        with pytest.raises(RuntimeError, match="NOT_FOUND"):
            driver.publish(f"{instrument.path}/s/i/range/select", "auto")
        with pytest.raises(RuntimeError, match="IN_USE"):
            driver_module(instrument).Driver().open(instrument.path)
    assert instrument.open_handles == 0

"""The INA bridges: the sketch itself, compiled and run here, and both formats line by line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.files import shipped_folder
from edgeq.core.processes import find_tool, run
from edgeq.device.meters.ina import InaMeter, InaSeriesMeter, InaSettings
from edgeq.device.meters.ina_lines import checked, parse_hello, parse_json, parse_own
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.trace import Trace
from tests.device.meters.scripted import ScriptedStream
from tests.support.texts import edited

SKETCH = shipped_folder("firmware_templates") / "ina-bridge" / "ina-bridge.ino"
ARDUINO = Path(__file__).parents[2] / "support" / "arduino"
CORE = Path("/usr/share/arduino/hardware/arduino/avr")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
LOW_W, HIGH_W = 0.033, 0.33
Change = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that runs the sketch against an INA that is not there."""
    compiler = find_tool("g++") or find_tool("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("sketch") / "bench"
    sources = ["-x", "c++", str(SKETCH), str(ARDUINO / "bench.cpp")]
    flags = ["-std=c++11", "-O1", *WARNINGS, "-I", str(ARDUINO)]
    built = run([compiler, *flags, *sources, "-o", str(program)], timeout_s=120)
    assert built.returncode == 0, built.stderr
    return program


def measure(
    bench: Path, chip: int, change: Change = lambda lines: lines, *, how: tuple[str, ...] = ()
) -> Trace:
    """Return what the driver makes of two seconds of the sketch; `change` alters its lines.

    `how` are further arguments of the bench: microseconds of a turn, whether the INA goes away.
    """
    said = run(
        [str(bench), str(chip), "2", *how], timeout_s=60, stdin=b"HELLO\nPERIOD 2500\nSTART\n"
    )
    hello, period, started, *samples = said.stdout.encode().splitlines(keepends=True)
    answers = {
        b"STOP\nHELLO\n": [b"#stop*1B\n", hello], b"PERIOD 2500\n": [period],
        b"START\n": [started, b"".join(change(samples))],
    }  # fmt: skip
    meter = InaMeter(ScriptedStream(lambda data: answers.get(data, ())), InaSettings())
    meter.start()
    trace = meter.stop()
    meter.close()
    return trace


@pytest.mark.parametrize(("chip", "within"), [(228, 1e-3), (226, 3e-3), (219, 5e-3)])
def test_the_sketch_measures_a_known_energy(bench: Path, chip: int, within: float) -> None:
    trace = measure(bench, chip)
    assert trace.meter == f"INA{chip} (edgeq bridge)"
    rising, falling, *_ = trace.marks
    assert (rising.channel, rising.edge, falling.edge) == ("gate", "rising", "falling")
    assert falling.time_s - rising.time_s == pytest.approx(0.25, abs=5e-5)
    high = energy_between(trace, rising.time_s, falling.time_s)
    assert high.energy_j == pytest.approx(HIGH_W * 0.25, rel=within + 2.5e-3 / 0.25)
    whole = energy_between(trace, 0.0, 1.0)
    assert whole.energy_j == pytest.approx(HIGH_W * 0.25 + LOW_W * 0.75, rel=within)
    assert (whole.lost, whole.clipped, trace.warnings, trace.fault) == (0, 0, (), None)


def test_a_lost_line_is_a_gap_and_its_charge_is_not_put_into_a_sample(bench: Path) -> None:
    trace = measure(bench, 228, lambda lines: lines[:20] + lines[25:])
    (gap,) = trace.gaps
    assert gap.samples == 5
    assert trace.power_w[:80].max() == pytest.approx(LOW_W, rel=0.15)


@pytest.mark.parametrize("chip", [228, 226, 219])
def test_an_ina_that_does_not_answer_is_a_gap_and_no_sample_of_zero(bench: Path, chip: int) -> None:
    trace = measure(bench, chip, how=("50", "1"))
    (gap,) = trace.gaps
    assert (gap.start_s, gap.samples) == (pytest.approx(0.75, abs=5e-3), 100)
    assert trace.current_a.min() > 0.009


def test_a_rate_that_the_bus_does_not_keep_is_not_caught_up_with(bench: Path) -> None:
    """In the first second a turn takes 3 ms, where 2.5 ms are wanted."""
    trace = measure(bench, 226, how=("3000",))
    steps = np.diff(trace.time_s)
    assert steps[1:300] == pytest.approx(np.full(299, 3e-3), abs=1e-6)
    assert steps[340:] == pytest.approx(np.full(len(steps) - 340, 2.5e-3), abs=1e-4)
    assert trace.gaps == ()
    whole = energy_between(trace, 0.0, 1.0)
    assert whole.energy_j == pytest.approx(HIGH_W * 0.25 + LOW_W * 0.75, rel=0.02)


def test_a_lost_edge_is_told_of(bench: Path) -> None:
    trace = measure(bench, 228, lambda lines: [part for part in lines if part[:1] != b"e"])
    assert trace.lost_samples == 0
    assert trace.warnings == ("4 lines were lost that were no samples: edges of the gate",)


def test_a_damaged_line_is_left_out(bench: Path) -> None:
    trace = measure(
        bench, 228, lambda lines: [*lines[:9], edited(lines[9], b",", b";"), *lines[10:]]
    )
    assert trace.lost_samples == 1
    assert trace.warnings == ("1 damaged lines were left out",)


def test_a_bridge_that_restarts_is_a_fault(bench: Path) -> None:
    trace = measure(bench, 228, lambda lines: lines[:300] + lines[:300])
    assert trace.fault is not None
    assert "restarted" in trace.fault
    assert len(trace.time_s) <= 300


def test_the_sketch_keeps_to_its_rates(bench: Path) -> None:
    said = run([str(bench), "228", "0"], timeout_s=60).stdout
    assert said == ""
    for wanted, kept in (("1", 1000), ("2500", 2500), ("99999999999", 1_000_000)):
        lines = run(
            [str(bench), "228", "0.001"], timeout_s=60, stdin=f"PERIOD {wanted}\n".encode()
        ).stdout
        assert f"#period,{kept}*" in lines


@pytest.mark.slow
def test_the_sketch_compiles_for_an_arduino_uno(tmp_path: Path) -> None:
    if find_tool("avr-g++") is None or not CORE.is_dir():
        pytest.skip("no avr-g++ with Arduino's core: apt install arduino-core-avr")
    folders = ("cores/arduino", "variants/standard", "libraries/Wire/src")
    argv = ["avr-g++", "-mmcu=atmega328p", "-DF_CPU=16000000L", "-DARDUINO=10819", "-std=gnu++11",
            "-Os", "-Wall", "-Wextra", *(f"-I{CORE / f}" for f in folders), "-x", "c++",
            "-Werror", "-c", str(SKETCH), "-o", str(tmp_path / "sketch.o")]  # fmt: skip
    built = run(argv, timeout_s=120)
    assert built.returncode == 0, built.stderr


# --- lines ---------------------------------------------------------------------------------------


def line(text: str) -> bytes:
    """Return a line with its check."""
    found = 0
    for byte in text.encode():
        found ^= byte
    return f"{text}*{found:02X}\n".encode()


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    for parse in (parse_own, parse_json):
        lines = parse(data)
        assert len(lines.time) == len(lines.ends) == len(lines.sequence)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40), st.integers(0, 38))
def test_a_changed_byte_fails_the_check(text: str, at: int) -> None:
    good = line(text).strip()
    assert checked(good) == text.encode()
    if at < len(text):
        wrong = bytearray(good)
        wrong[at] ^= 0x04
        assert checked(bytes(wrong)) is None


def test_a_hello_with_a_zero_is_refused() -> None:
    with pytest.raises(DeviceError, match="zero"):
        parse_hello(line("#ina-bridge,1,INA228,0,1,1,1,1").strip())


def test_the_bridge_without_an_ina_says_what_to_check() -> None:
    stream = ScriptedStream(lambda _: [line("#ina-bridge,1,none,0,0,0,0,2500")])
    with pytest.raises(DeviceError, match="no INA answers") as failure:
        InaMeter(stream, InaSettings())
    assert "SDA" in failure.value.hint


def test_a_silent_bridge_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.device.meters.ina.BOOT_S", 0.3)
    monkeypatch.setattr("edgeq.device.meters.ina.ASK_S", 0.1)
    for kind in (InaMeter, InaSeriesMeter):
        with pytest.raises(DeviceError, match="does not answer") as failure:
            kind(ScriptedStream(), InaSettings())
        assert "sketch" in failure.value.hint


def test_a_rate_that_the_bridge_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="1 to 1000"):
        InaMeter(ScriptedStream(), InaSettings(rate_hz=0))


# --- JSON lines ----------------------------------------------------------------------------------


def series(samples: bytes, *, known: bool = True) -> ScriptedStream:
    """Return a connection to an INA_Series_Sensor bridge."""

    def answer(written: bytes) -> Iterator[bytes]:
        for command in written.decode().split("\n"):
            word, _, value = command.partition(" ")
            if word == "PING":
                yield b'{"v":1,"type":"PONG"}\r\n'
            elif word == "SR":
                yield f'{{"v":1,"type":"ACK","cmd":"SR","hz":{min(int(value), 200)}}}\r\n'.encode()
            elif word in ("RSHUNT", "IMAX", "START", "STOP") and known:
                yield f'{{"v":1,"type":"ACK","cmd":"{word}"}}\r\n'.encode()
            elif word:
                yield b'{"v":1,"type":"ERR","msg":"Unknown cmd","line":"x"}\r\n'
            if word == "START":
                yield samples

    return ScriptedStream(answer)


def sample(seq: int, ms: int, amperes: float) -> bytes:
    """Return a sample in JSON."""
    value = {"v": 1, "chip": "INA228", "addr": "0x40", "seq": seq, "t_ms": ms % 2**32,
             "bus_V": 5.0, "current_A": amperes, "power_W": 5 * amperes}  # fmt: skip
    return json.dumps(value, separators=(",", ":")).encode() + b"\r\n"


def test_json_lines_are_samples_with_a_gap_where_the_sequence_jumps() -> None:
    lines = [sample(i, 2**32 - 20 + 5 * i, 0.1 if i < 90 else 1.7) for i in range(100)]
    meter = InaSeriesMeter(series(b"".join(lines[:40] + lines[43:])), InaSettings())
    meter.start()
    now = time.monotonic()
    meter.mark("second", at_s=now)
    meter.mark("first", at_s=now - 1)
    trace = meter.stop()
    meter.close()
    assert trace.period_s == pytest.approx(0.005)
    assert [(g.samples, round(g.start_s, 6)) for g in trace.gaps] == [(3, 0.2)]
    assert trace.power_w[0] == pytest.approx(0.5)
    assert [mark.channel for mark in trace.marks] == ["first", "second"]
    assert trace.clipped.sum() == 10  # 163.84 mV over 0.1 ohm is the end


def test_a_bridge_that_does_not_know_a_command_is_told_of() -> None:
    with pytest.raises(DeviceError, match="does not know"):
        InaSeriesMeter(series(b"", known=False), InaSettings())

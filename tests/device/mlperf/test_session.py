"""Sessions of the MLPerf Tiny protocol against a board that keeps it, and one that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.session import DutSession, Inference, needs_stamps
from edgeq.device.mlperf.transcript import Transcript
from tests.device.mlperf import fake_board as fake
from tests.device.mlperf.fake_board import FakeDut, FakeWire, Wire

TICK_S = 0.001


def open_session(dut: FakeDut | None = None, wire: Wire | None = None, **options: int):
    stream = FakeWire(dut or FakeDut(), wire, tick_s=TICK_S)
    console = Console(stream, Transcript(stream.clock), clock=stream.clock)
    return DutSession(console, **options), stream


def test_a_session_knows_the_board():
    session, _ = open_session(FakeDut(model="kws01", name="maker"))
    assert session.identity.name == "maker"
    assert session.identity.model == "kws01"
    assert "tinyML" in session.identity.profile


@pytest.mark.parametrize("chunk", [31, 26, 1])
def test_an_input_arrives_whole_in_commands_that_fit_the_firmwares_buffer(chunk):
    session, stream = open_session(chunk=chunk)
    data = bytes(range(256)) * 2
    session.load(data)
    assert bytes(stream.dut.loaded) == data
    sent = [c for c in stream.dut.commands if c.startswith("db ")]
    assert max(len(c) for c in sent[1:]) == 3 + 2 * chunk
    assert max(map(len, sent)) < 80


def test_an_inference_has_both_stamps_the_results_and_the_counts():
    session, stream = open_session(FakeDut(us=2500))
    session.load(bytes(16))
    found = session.infer(20, 5)
    assert (found.inferences, found.warmups) == (20, 5)
    assert found.results == (0.25, 0.75)
    assert found.duration_s == pytest.approx(0.05)
    assert stream.dut.commands[-1] == "infer 20 5"
    assert session.results() == (0.25, 0.75)
    assert session.timestamp() == stream.dut.clock_us


def test_energy_mode_gives_no_stamps_and_says_so_where_they_are_needed():
    session, _ = open_session(FakeDut(energy=True))
    found = session.infer(1, 0)
    assert found.duration_s is None
    assert session.timestamp() is None
    with pytest.raises(DeviceError, match="m-lap-us") as error:
        needs_stamps(found)
    assert "performance" in error.value.hint


def test_a_counter_that_goes_round_in_an_inference_counts_right():
    session, _ = open_session(FakeDut(us=1000, clock_us=(1 << 32) - 5000))
    assert session.infer(10, 0).duration_s == pytest.approx(0.01)


@given(st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 32) - 1))
def test_the_time_between_stamps_is_right_for_any_start(start, length):
    stamps = (start, (start + length) % (1 << 32))
    found = Inference(1, 0, stamps, (1.0,), 0.0, 0.0)
    assert found.duration_s == pytest.approx(length / 1e6)


def test_what_the_protocol_cannot_carry_is_refused_before_it_is_sent():
    session, stream = open_session()
    before = list(stream.dut.commands)
    for size in (0, 27649):
        with pytest.raises(InputError, match=f"{size} bytes"):
            session.load(bytes(size))
    for counts in ((0, 0), (1, -1)):
        with pytest.raises(UsageError):
            session.infer(*counts)
    with pytest.raises(UsageError):
        open_session(chunk=32)
    assert stream.dut.commands == before


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ("e-[Unknown command: infer]", "refuses 'infer': e-\\[Unknown command"),
        ("m-infer-start-3\r\nm-infer-done\r\nm-results-[1]", "runs 3 inferences"),
        ("m-infer-start-2\r\nm-results-[1]", "no m-infer-done"),
        ("m-infer-start-2\r\nm-infer-done", "nonsense"),
        ("m-infer-start-2\r\nm-lap-us-5\r\nm-infer-done\r\nm-results-[1]", "1 time stamps"),
        ("m-infer-start-2\r\nm-infer-done\r\nm-results-[nan,1]", "nonsense"),
        ("m-infer-start-2\r\nm-infer-done\r\nm-results-[a,1]", "nonsense"),
        ("m-infer-start-2\r\nm-infer-done\r\nm-results-[]", "nonsense"),
        ("m-infer-start-2\r\nm-infer-done\r\nm-results-[\x1b[31m]", r"\\x1b"),
    ],
)
def test_a_lying_board_is_named(reply, complaint):
    def lie(wire, command):
        yield f"{reply}\r\nm-ready\r\n".encode()

    session, _ = open_session(wire=fake.after(2, lie))
    with pytest.raises(DeviceError, match=complaint) as error:
        session.infer(2, 0)
    assert "\x1b" not in error.value.cause


def test_an_echo_before_the_answers_does_no_harm():
    session, stream = open_session(wire=fake.echoing_too)
    session.load(bytes(16))
    assert session.infer(2, 0).results == (0.25, 0.75)
    assert bytes(stream.dut.loaded) == bytes(16)


def test_a_greeting_before_the_first_answer_is_no_reboot():
    def late(wire, command):
        yield wire.dut.boot().encode() if len(wire.dut.commands) == 0 else b""
        yield wire.dut.obey(command).encode()

    session, _ = open_session(wire=late)
    assert session.identity.name == "fake"


def test_the_log_has_every_line_its_way_and_its_time():
    stream = FakeWire(FakeDut(), tick_s=TICK_S)
    transcript = Transcript(stream.clock)
    session = DutSession(Console(stream, transcript, clock=stream.clock))
    session.load(bytes(40))
    text = transcript.text()
    times = [float(line.split()[0]) for line in text.splitlines()[1:]]
    assert times == sorted(times)
    assert times[-1] > 0
    assert f"-> db {'00' * 31}%" in text
    assert "<- m-load-done" in text
    assert text.count("%") == len(stream.dut.commands)

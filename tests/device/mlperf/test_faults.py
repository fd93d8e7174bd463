"""Each way in which a board does not answer ends by its deadline, with a hint of its own."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty

import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.session import Deadlines, DutSession
from edgeq.device.mlperf.transcript import Transcript
from edgeq.device.streams import open_stream
from tests.device.mlperf import fake_board as fake
from tests.device.mlperf.fake_board import FakeDut, FakeWire

DEADLINES = Deadlines(answer_s=5.0, infer_s=30.0)
# The wire, and a part of the cause and of the hint that only it has.
FAULTS = {
    "silence": (fake.silent, "nothing arrived", "powered"),
    "chatter": (fake.chatty, "not of the protocol", "another program"),
    "half a line": (fake.half, "half a line", "stopped while it wrote"),
    "no end": (fake.hung, "fell silent after", "hangs"),
    "wrong baud": (fake.garbled, "are no text", "--baud"),
    "echo": (fake.echoing, "echoes", "TX wired to RX"),
}
OPENING = {name: row for name, row in FAULTS.items() if name != "no end"}


def console_of(stream: FakeWire) -> Console:
    return Console(stream, Transcript(stream.clock), clock=stream.clock)


@pytest.mark.parametrize("name", OPENING)
def test_opening_a_session_ends_by_its_deadline(name):
    wire, cause, hint = OPENING[name]
    stream = FakeWire(FakeDut(), wire, tick_s=0.02)
    with pytest.raises(DeviceError, match=cause) as error:
        DutSession(console_of(stream), deadlines=DEADLINES)
    assert stream.now == pytest.approx(5.0, rel=0.1)
    assert hint in error.value.hint
    assert stream.closed == 1


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(("command", "seconds"), [("infer", 30.0), ("db", 5.0)])
def test_a_command_in_mid_run_ends_by_its_deadline(name, command, seconds):
    wire, cause, hint = FAULTS[name]
    stream = FakeWire(FakeDut(), fake.after(2, wire), tick_s=0.02)
    session = DutSession(console_of(stream), deadlines=DEADLINES)
    started = stream.now
    with pytest.raises(DeviceError, match=cause) as error:
        session.infer(10, 1) if command == "infer" else session.load(bytes(16))
    assert stream.now - started == pytest.approx(seconds, rel=0.1)
    assert hint in error.value.hint
    assert error.value.exit_code == 5


def test_every_fault_has_its_own_hint():
    hints = set()
    for wire, _, _ in FAULTS.values():
        stream = FakeWire(FakeDut(), fake.after(2, wire), tick_s=0.02)
        with pytest.raises(DeviceError) as error:
            DutSession(console_of(stream), deadlines=DEADLINES).infer(10, 1)
        hints.add(error.value.hint)
    assert len(hints) == len(FAULTS)


@pytest.mark.parametrize("command", ["infer", "db", "results", "timestamp"])
def test_a_reboot_in_mid_run_is_known_at_once(command):
    stream = FakeWire(FakeDut(), fake.after(2, fake.rebooting), tick_s=0.001)
    session = DutSession(console_of(stream), deadlines=DEADLINES)
    actions = {
        "infer": lambda: session.infer(10, 1),
        "db": lambda: session.load(bytes(16)),
        "results": session.results,
        "timestamp": session.timestamp,
    }
    started = stream.now
    with pytest.raises(DeviceError, match=f"rebooted during '{command}'") as error:
        actions[command]()
    assert stream.now - started < 0.5
    assert "supply" in error.value.hint


def test_a_processors_fault_is_known_at_once():
    stream = FakeWire(FakeDut(), fake.after(2, fake.faulting), tick_s=0.001)
    session = DutSession(console_of(stream), deadlines=DEADLINES)
    with pytest.raises(DeviceError, match=r"faulted during 'infer': .*pc 0000abcd") as error:
        session.infer(10, 1)
    assert stream.now < 0.5
    assert "addr2line" in error.value.hint


def test_a_slow_wire_is_not_a_fault():
    stream = FakeWire(FakeDut(), fake.slow, tick_s=0.05)
    session = DutSession(console_of(stream), deadlines=DEADLINES)
    assert session.identity.name == "fake"


def test_a_slow_board_gets_more_time_for_more_inferences():
    def lazy(wire, command):
        answer = wire.dut.obey(command).encode()
        head, mark, tail = answer.partition(b"m-infer-done")
        yield head
        if mark:
            for _ in range(int(command.split()[1]) * 100):  # 1 s an inference
                yield b""
        yield mark + tail

    stream = FakeWire(FakeDut(), lazy, tick_s=0.01)
    session = DutSession(console_of(stream), deadlines=DEADLINES)
    session.infer(10, 0)
    assert session.infer(60, 0).host_s == pytest.approx(60, rel=0.1)


def test_endless_chatter_takes_little_memory_and_no_escapes():
    def flood(wire, command):
        while True:
            yield b"\x1b[2J" + b"x" * 60000 + b"\r\n"

    stream = FakeWire(FakeDut(), flood, tick_s=0.05)
    transcript = Transcript(stream.clock)
    with pytest.raises(DeviceError) as error:
        DutSession(Console(stream, transcript, clock=stream.clock), deadlines=DEADLINES)
    assert "\x1b" not in error.value.cause + transcript.text()
    assert len(transcript.text()) < 64 << 20


@pytest.fixture
def terminal():
    """A pseudo-terminal with a sound board behind it, which can be unplugged."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    dut = FakeDut()
    ended = threading.Event()

    def serve():
        command = b""
        try:
            while not ended.is_set():
                command += os.read(master, 4096)
                *whole, command = command.split(b"%")
                for one in whole:
                    os.write(master, dut.obey(one.decode()).encode())
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield os.ttyname(slave), lambda: (ended.set(), os.close(slave), os.close(master))
    ended.set()


def test_an_unplugged_port_ends_at_once(terminal):
    port, unplug = terminal
    console = Console(open_stream(port), Transcript())
    with DutSession(console, deadlines=DEADLINES) as session:
        session.load(bytes(64))
        unplug()
        started = time.monotonic()
        with pytest.raises(DeviceError, match="is gone"):
            session.infer(10, 1)
        assert time.monotonic() - started < 5.0

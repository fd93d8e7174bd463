"""Serial ports: which may be opened, whose they are, and who has them."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from edgeq import api
from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.processes import Child, spawn
from edgeq.device.ports import check_port, find_owner, find_port, list_ports
from edgeq.device.streams import SerialStream, open_stream
from tests.support.stalls import Stalls
from tests.support.usb import plug, serial_port
from tests.support.wires import open_handles

REFUSED = (
    "", "-c", "/etc/passwd", "/dev/null", "/dev/zero", "/dev/mem", "/dev/tty", "/dev/tty1",
    "/dev/console", "/dev/ptmx", "/dev/watchdog", "/dev/pts/../mem", "ttyUSB0", "x\n",
    "spy://x", "spy:///dev/ttyS0?file=/tmp/x", "file:///etc/passwd", "alt://dev", "alt:///dev/tty1",
    "hwgrep://.*", "cp2110:0001:004a:00", "cp2110://x", "socket://a b:1", "socket://host:99;ls",
    "socket://-oProxyCommand=x:22", "socket://h:1?logging=debug", "rfc2217://h:1?poll_modem",
    "socket://user@h:1", "socket://h:1/path", "loop://?logging=debug", "http://host:80", "loop://x",
    "SOCKET://h:1", "socket:///dev/x:1", r"\\.\pipe\x", "socket://h:123456",
)  # fmt: skip


@pytest.mark.parametrize("port", REFUSED)
def test_a_port_that_is_none_is_never_opened(port: str) -> None:
    with pytest.raises(UsageError) as failure:
        open_stream(port)
    assert failure.value.hint


@pytest.mark.parametrize(
    "url",
    ["socket://127.0.0.1:7", "socket://pi.local:7", "rfc2217://[fe80::1]:7", "loop://",
     "rfc2217://lab-3.example.org:2000"],
)  # fmt: skip
def test_a_port_of_another_computer_is_allowed(url: str) -> None:
    assert check_port(url) == url


def test_a_loop_gives_back_what_is_written() -> None:
    stream = SerialStream("loop://")
    stream.write(b"abc")
    assert stream.read(1.0) == b"abc"
    stream.close()


def test_nothing_comes_within_its_time(stalls: Stalls) -> None:
    stream = SerialStream("loop://")
    started = time.monotonic()
    assert stream.read(0.3) == b""
    assert time.monotonic() - started >= 0.25
    assert stalls.seconds_since(started) <= 0.6
    stream.close()


@contextmanager
def _terminal() -> Iterator[tuple[int, int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield master, slave, os.ttyname(slave)
    finally:
        for handle in (master, slave):
            with contextlib.suppress(OSError):
                os.close(handle)


def test_a_port_can_be_used_again_and_again() -> None:
    with _terminal() as (master, _, path):
        before = open_handles()
        for number in range(20):
            stream = SerialStream(path)
            os.write(master, bytes([number]))
            assert stream.read(1.0) == bytes([number])
            stream.close()
            stream.close()
        assert open_handles() == before


def test_an_unplugged_port_is_gone_at_once(stalls: Stalls) -> None:
    with _terminal() as (master, slave, path):
        stream = SerialStream(path)
        os.close(master)
        os.close(slave)
        started = time.monotonic()
        with pytest.raises(DeviceError, match="is gone"):
            stream.read(5.0)
        assert stalls.seconds_since(started) < 1.0
        stream.close()


@contextmanager
def _holder(path: str, lock: bool) -> Iterator[Child]:
    """Let another process open the port, as a terminal program does."""
    code = "import sys, fcntl, time; f = open(sys.argv[1], 'rb+', buffering=0);"
    code += " fcntl.flock(f, fcntl.LOCK_EX) if sys.argv[2] else 0; print('ready', flush=True);"
    code += " time.sleep(60)"
    with spawn([sys.executable, "-c", code, path, "locked" if lock else ""]) as child:
        while not child.read(0.1):
            continue
        yield child


@pytest.mark.parametrize("lock", [False, True])
def test_a_port_in_use_is_said_by_whom_within_a_second(lock: bool, stalls: Stalls) -> None:
    with _terminal() as (_, _, path), _holder(path, lock) as holder:
        started = time.monotonic()
        with pytest.raises(DeviceError, match=rf"in use by python.* \(pid {holder.pid}\)"):
            SerialStream(path)
        assert stalls.seconds_since(started) < 1.0


def test_a_second_session_of_the_same_program_is_refused_too() -> None:
    with _terminal() as (_, _, path):
        first = SerialStream(path)
        with pytest.raises(DeviceError, match="in use"):
            SerialStream(path)
        first.close()
        SerialStream(path).close()


def test_who_serves_a_terminal_does_not_own_it() -> None:
    code = "import os, time; m, s = os.openpty(); print(os.ttyname(s), flush=True); time.sleep(60)"
    with spawn([sys.executable, "-c", code]) as child:
        path = b""
        while not path.endswith(b"\n"):
            path += child.read(0.1)
        assert find_owner(path.decode().strip()) is None


NUCLEO = find_board("nucleo-l4r5zi").link.usb_ids[0]
PICO = find_board("raspberry-pi-pico").link.usb_ids[0]


def test_ports_are_listed_with_the_boards_that_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyS0", None, None),
        serial_port("/dev/ttyACM1", PICO, "E6"),
        serial_port("/dev/ttyACM0", NUCLEO, "066F"),
    )
    found = {p.device: p for p in api.list_ports()}
    assert list(found) == ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyS0"]
    assert "raspberry-pi-pico" in found["/dev/ttyACM1"].boards
    assert {"nucleo-l4r5zi", "stm32f746g-disco"} <= set(found["/dev/ttyACM0"].boards)
    assert found["/dev/ttyS0"].boards == ()


def test_two_ports_of_one_kind_are_both_named_and_neither_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyACM0", NUCLEO, "066A"),
        serial_port("/dev/ttyACM1", NUCLEO, "066B"),
    )
    with pytest.raises(DeviceError, match=r"ttyACM0 .*066A.*ttyACM1 .*066B") as failure:
        find_port(find_board("nucleo-l4r5zi"))
    assert "--port" in failure.value.hint
    assert failure.value.exit_code == 5


def test_the_right_one_of_two_boards_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyACM0", NUCLEO, "066A"),
        serial_port("/dev/ttyACM1", PICO, "E6"),
    )
    assert find_port(find_board("raspberry-pi-pico")) == "/dev/ttyACM1"
    assert find_port(find_board("nucleo-l4r5zi")) == "/dev/ttyACM0"


def test_a_board_without_usb_ids_is_no_port_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, serial_port("/dev/ttyS0", None, None))
    board: Board = find_board("virt-m4")
    board = msgspec.structs.replace(board, link=msgspec.structs.replace(board.link, usb_ids=()))
    assert list_ports((board,))[0].boards == ()
    with pytest.raises(DeviceError, match="profile names none"):
        find_port(board)

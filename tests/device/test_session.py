"""A session with a board: what it does when all is well, and what it says when nothing is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.link import Deadlines
from edgeq.device.packets import Packet, Type
from edgeq.device.session import BoardSession
from edgeq.device.streams import open_stream
from tests.device.fake_board import QUICK, FakeBoard, FakeStream, hello_body, serve

DATA = bytes(range(12))


def _session(board: FakeBoard | None = None) -> BoardSession:
    return BoardSession(FakeStream(board or FakeBoard()), QUICK)


def test_a_session_writes_runs_and_reads() -> None:
    with _session() as session:
        session.write_input(0, DATA)
        samples = session.invoke(1, 3)
        assert samples == [{"instructions": 50, "cycles": 50}] * 3
        assert session.read_output(0) == bytes(b + 1 for b in DATA)
        assert session.stats().overhead == {"instructions": 3, "cycles": 4}


def test_what_is_larger_than_a_packet_goes_in_pieces() -> None:
    with _session(FakeBoard(hello=hello_body(max_packet=64))) as session:
        session.write_input(0, DATA)
        assert session.read_output(0) == bytes(b + 1 for b in DATA)


def test_a_trace_gives_every_layer_with_its_bytes() -> None:
    with _session() as session:
        session.write_input(0, DATA)
        (layer,) = session.trace(layers=1)
    assert layer.data == bytes(b + 1 for b in DATA)
    assert layer.counters == {"instructions": 40, "cycles": 40}


def test_closing_twice_is_no_error() -> None:
    stream = FakeStream(FakeBoard())
    session = BoardSession(stream, QUICK)
    session.close()
    session.close()
    assert stream.closed >= 1


@pytest.mark.parametrize("size", [0, 11, 13])
def test_an_input_of_another_size_is_a_usage_error(size: int) -> None:
    with _session() as session, pytest.raises(UsageError, match="takes 12 bytes"):
        session.write_input(0, bytes(size))


def test_a_port_that_is_not_there_is_a_usage_error() -> None:
    with _session() as session, pytest.raises(UsageError, match="input 1"):
        session.write_input(1, DATA)


def test_a_quiet_batch_is_asked_for_once_even_if_its_answer_is_lost() -> None:
    asked: list[bytes] = []

    def answer(board: FakeBoard, request: Packet) -> list[Packet]:
        if request.type != Type.INVOKE:
            return board.obey(request)
        asked.append(request.body)
        return []

    with (
        _session(FakeBoard(answer=answer)) as session,
        pytest.raises(DeviceError, match="no answer to INVOKE"),
    ):
        session.invoke_quietly(7, timeout_s=0.05)
    assert asked == [struct.pack("<II", 7, 0)]


@pytest.mark.parametrize("runs", [-1, 1_000_001])
def test_a_batch_of_too_many_runs_is_a_usage_error(runs: int) -> None:
    with _session() as session, pytest.raises(UsageError):
        session.invoke_quietly(runs, timeout_s=1.0)


@pytest.mark.parametrize("every", [2, 3])
def test_lost_frames_are_asked_for_again(every: int) -> None:
    seen = 0

    def lossy(frame: bytes) -> bytes:
        nonlocal seen
        seen += 1
        return b"" if seen % every == 0 else frame

    with BoardSession(FakeStream(FakeBoard(), to_host=lossy), QUICK) as session:
        session.write_input(0, DATA)
        assert session.read_output(0) == bytes(b + 1 for b in DATA)


def test_damaged_frames_are_never_taken_for_answers() -> None:
    seen = 0

    def flipping(frame: bytes) -> bytes:
        nonlocal seen
        seen += 1
        if seen % 2 == 0:
            return frame
        at = len(frame) // 2
        return frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]

    with BoardSession(FakeStream(FakeBoard(), to_host=flipping), QUICK) as session:
        session.write_input(0, DATA)
        assert session.read_output(0) == bytes(b + 1 for b in DATA)


def _silent(board: FakeBoard, request: Packet) -> list[Packet]:
    return []


def _greeting_again(board: FakeBoard, request: Packet) -> list[Packet]:
    if request.type == Type.HELLO:
        return board.obey(request)
    return [Packet(Type.HELLO_ANSWER, 0, 0, board.hello)]


def _refusing(board: FakeBoard, request: Packet) -> list[Packet]:
    if request.type == Type.HELLO:
        return board.obey(request)
    return [Packet(Type.ERROR, board.session, request.sequence, b"\x06no")]


def _faulting(board: FakeBoard, request: Packet) -> list[Packet]:
    if request.type != Type.INVOKE:
        return board.obey(request)
    return [Packet(Type.ERROR, board.session, request.sequence, b"\x07pc=0x1234")]


def _short(board: FakeBoard, request: Packet) -> list[Packet]:
    if request.type != Type.READ:
        return board.obey(request)
    return [Packet(Type.DATA, board.session, request.sequence, b"\x01")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_silent, "no answer|silent|did not answer"),
        (_greeting_again, "reset|reboot|greeted"),
        (_refusing, "refused to run"),
        (_faulting, "faulted"),
        (_short, "DATA has 1 bytes"),
    ],
)
def test_a_board_that_misbehaves_is_a_device_error(
    answer: Callable[[FakeBoard, Packet], list[Packet]], said: str
) -> None:
    board = FakeBoard()
    board.answer = answer
    with pytest.raises(DeviceError, match=said) as failure:
        _use(_session, board)
    assert failure.value.hint


def _use(connect: Callable[[FakeBoard], BoardSession], board: FakeBoard) -> None:
    with connect(board) as session:
        session.write_input(0, DATA)
        session.invoke(0, 1)
        session.read_output(0)


def test_a_board_cannot_send_escape_codes_to_the_terminal() -> None:
    board = FakeBoard(hello=hello_body(names=("1.0", "ti\x1b[31mny", "fake")))
    with _session(board) as session:
        assert session.hello.model_name.isprintable()


@pytest.mark.parametrize(
    "hello",
    [
        b"",
        hello_body()[:20],
        hello_body(max_packet=4),
        hello_body(width=0),
        hello_body(hz=0),
        hello_body(inputs=(0,)),
        hello_body(inputs=(1 << 31,) * 4),
        hello_body() + b"more",
    ],
)
def test_an_impossible_greeting_is_refused(hello: bytes) -> None:
    with pytest.raises(DeviceError):
        _session(FakeBoard(hello=hello))


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_noise_is_a_device_error_and_nothing_else(noise: bytes) -> None:
    deadlines = Deadlines(answer_s=0.001, invoke_s=0.001, session_s=1.0, tries=1)
    stream = FakeStream(FakeBoard(), to_host=lambda frame: noise)
    with pytest.raises(DeviceError):
        BoardSession(stream, deadlines)


@given(body=st.binary(max_size=120))
@settings(max_examples=80, deadline=None)
def test_a_greeting_of_any_bytes_is_read_or_refused(body: bytes) -> None:
    deadlines = Deadlines(answer_s=0.001, invoke_s=0.001, session_s=1.0, tries=1)
    with suppress(DeviceError):
        BoardSession(FakeStream(FakeBoard(hello=body)), deadlines).close()


def test_a_board_behind_a_socket_answers_byte_by_byte() -> None:
    with serve(FakeBoard(), byte_delay_s=0.0002) as url, BoardSession(open_stream(url)) as session:
        session.write_input(0, DATA)
        assert session.read_output(0) == bytes(b + 1 for b in DATA)


def test_a_board_that_hangs_up_is_a_device_error() -> None:
    enough_for_hello = len(hello_body()) + 40
    with (
        serve(FakeBoard(), stop_after=enough_for_hello) as url,
        pytest.raises(DeviceError) as failure,
    ):
        _use(lambda board: BoardSession(open_stream(url), QUICK), FakeBoard())
    assert failure.value.hint


def test_counters_that_wrap_are_told_from_those_that_do_not() -> None:
    board = FakeBoard(hello=hello_body(width=32), ticks=(1 << 32) - 20)
    board.span = lambda ticks: struct.pack("<QQ", (1 << 32) - 20, 30) * 2  # type: ignore[method-assign]
    with _session(board) as session:
        assert session.invoke(0, 1) == [{"instructions": 50, "cycles": 50}]

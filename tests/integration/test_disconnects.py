"""A board that goes away at any moment: one error, soon, and nothing left behind."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError
from edgeq.core.processes import Child, spawn
from edgeq.core.records import FirmwareImage
from edgeq.device.connection import open_board
from edgeq.device.flashers import flash_image
from edgeq.device.session import BoardSession
from edgeq.device.virtual.launch import read_ready, unicorn_argv
from tests.support.firmware import virtual_firmware
from tests.support.stalls import Stalls
from tests.support.tools import put_tool
from tests.support.wires import Cut, child_pids, open_handles, pty_wire, tcp_wire

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts handles in /proc")

DEADLINE_S = 2.0
RUNS = 30
# Fixed seeds: five of each kind in the quick suite, fifty of each, 200 in all, in the slow one.
QUICK = range(5)
SLOW = [pytest.param(range(50), marks=[pytest.mark.slow, pytest.mark.timeout(1800)], id="slow")]
SEEDS = [pytest.param(QUICK, id="quick"), *SLOW]


class Ready(NamedTuple):
    """A built firmware for a board, and the port of a process that runs it."""

    board: Board
    image: FirmwareImage
    port: int


@pytest.fixture(scope="module", name="ready")
def _ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    folder = tmp_path_factory.mktemp("fw")
    board, image = find_board("virt-m4"), virtual_firmware(folder)
    with _running(board, image) as child:
        yield Ready(board, image, read_ready(child, board.id))


@contextmanager
def _running(board: Board, image: FirmwareImage) -> Iterator[Child]:
    with spawn(unicorn_argv(board, image.elf)) as child:
        yield child


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let temporary folders lie where they can be counted."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _use(session: BoardSession) -> None:
    """Upload, run, fetch the result."""
    session.write_input(0, bytes(range(64)))
    session.invoke(1, RUNS)
    assert len(session.read_output(0)) == 10


class Left(NamedTuple):
    """What a failed command may leave behind, counted."""

    handles: int
    threads: int
    children: list[int]
    folders: list[str]


def _left() -> Left:
    folders = sorted(os.listdir(tempfile.gettempdir()))
    return Left(open_handles(), threading.active_count(), child_pids(), folders)


def _left_after(before: Left) -> Left:
    """Return what is left once it is as it was before, or after half a second."""
    end = time.monotonic() + 0.5
    while (left := _left()) != before and time.monotonic() < end:
        time.sleep(0.005)
    return left


Wire = Callable[[int, Cut], AbstractContextManager[str]]


@pytest.mark.parametrize("wire", [tcp_wire, pty_wire])
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_cut_wire_is_a_device_error_at_every_byte(
    wire: Wire, seeds: range, ready: Ready, stalls: Stalls
) -> None:
    whole = Cut()
    _run_through(wire, whole, ready)
    before = _left()
    for seed in seeds:
        chance = random.Random(seed)
        towards = chance.choice(("host", "board"))
        cut = Cut(towards, chance.randrange(whole.passed[towards]))
        with pytest.raises(DeviceError) as failure:
            _run_through(wire, cut, ready)
        seconds = stalls.seconds_since(cut.cut_at or 0.0)
        assert failure.value.exit_code == 5
        assert failure.value.hint
        assert seconds <= DEADLINE_S, (cut, seconds)
        assert _left_after(before) == before, cut
    _run_through(wire, Cut(), ready)


def _run_through(wire: Wire, cut: Cut, ready: Ready) -> None:
    with (
        wire(ready.port, cut) as port,
        open_board(ready.board, ready.image, port=port) as session,
    ):
        _use(session)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_killed_board_is_a_device_error_at_every_moment(
    seeds: range, ready: Ready, stalls: Stalls
) -> None:
    before = _left()
    for seed in seeds:
        with _killer(before.children, random.Random(seed).uniform(0.0, 0.4)) as killed:
            with pytest.raises(DeviceError) as failure:
                _run_for_ever(ready)
            seconds = stalls.seconds_since(killed[0])
        assert failure.value.exit_code == 5
        assert failure.value.hint
        assert seconds <= DEADLINE_S, (seed, seconds)
        assert _left_after(before) == before, seed


def _run_for_ever(ready: Ready) -> None:
    with open_board(ready.board, ready.image) as session:
        while True:
            _use(session)


@contextmanager
def _killer(known: list[int], delay_s: float) -> Iterator[list[float]]:
    """Kill the next child that appears, `delay_s` after it does; yield when that was."""
    killed: list[float] = []

    def kill() -> None:
        while not (new := [pid for pid in child_pids() if pid not in known]):
            time.sleep(0.002)
        time.sleep(delay_s)
        killed.append(time.monotonic())
        for pid in new:
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        thread.join(10)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_flash_tool_that_dies_is_a_device_error(
    seeds: range,
    ready: Ready,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stalls: Stalls,
) -> None:
    put_tool(tmp_path / "bin", monkeypatch, "openocd", says="** Verified OK **", seconds=30.0)
    flash = msgspec.structs.replace(ready.board.flash, method="openocd", target="board/x.cfg")
    link = msgspec.structs.replace(ready.board.link, usb_ids=())
    board = msgspec.structs.replace(ready.board, flash=flash, link=link)
    before = _left()
    for seed in seeds:
        with _killer(before.children, random.Random(seed).uniform(0.0, 0.3)) as killed:
            with pytest.raises(DeviceError) as failure:
                flash_image(board, ready.image)
            seconds = stalls.seconds_since(killed[0])
        assert failure.value.exit_code == 5
        assert failure.value.hint
        assert seconds <= DEADLINE_S, (seed, seconds)
        assert _left_after(before) == before, seed

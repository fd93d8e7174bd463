"""A board behind somebody else's serial server: the whole session over rfc2217."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from edgeq import api
from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError
from edgeq.core.processes import Child, spawn
from edgeq.core.records import FirmwareImage
from edgeq.device.connection import open_board
from edgeq.device.session import BoardSession
from edgeq.device.virtual.launch import read_ready, unicorn_argv
from tests.support.firmware import virtual_firmware
from tests.support.stalls import Stalls
from tests.support.wires import Cut, pty_wire

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
pytestmark = pytest.mark.skipif(not shutil.which("ser2net"), reason="ser2net is not installed")

CONFIG = """%YAML 1.1
---
connection: &board
  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}
  connector: serialdev,{device},115200n81,local
  options:
    kickolduser: true
"""


@contextmanager
def _served(device: str, folder: Path) -> Iterator[tuple[str, Child]]:
    """Yield the rfc2217 URL of a serial device, and the server's process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "ser2net.yaml"
    config.write_text(CONFIG.format(port=port, device=device))
    with spawn(["ser2net", "-d", "-u", "-c", str(config), "-P", str(folder / "pid")]) as server:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        else:
            pytest.fail(f"ser2net does not listen: {server.last_words()}")
        yield f"rfc2217://127.0.0.1:{port}", server


class Remote(NamedTuple):
    """A board behind a server: its model and firmware, its URL, the server's process."""

    model: Path
    board: Board
    image: FirmwareImage
    url: str
    server: Child


@pytest.fixture(scope="module", name="remote")
def _remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("remote")
    board, image = find_board("virt-m4"), virtual_firmware(folder)
    with (
        spawn(unicorn_argv(board, image.elf)) as child,
        pty_wire(read_ready(child, board.id), Cut()) as device,
        _served(device, folder) as (url, server),
    ):
        yield Remote(folder / "small.tflite", board, image, url, server)


def test_a_whole_session_runs_over_rfc2217(remote: Remote) -> None:
    there = api.bench(remote.model, board="virt-m4", port=remote.url, runs=20, layers=False)
    here = api.bench(remote.model, board="virt-m4", runs=20, layers=False)
    assert there.output == here.output
    assert there.output.bit_exact
    assert there.latency.instructions == here.latency.instructions


def test_a_server_that_dies_in_mid_run_is_a_device_error(remote: Remote, stalls: Stalls) -> None:
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        os.kill(remote.server.pid, signal.SIGKILL)

    timer = threading.Timer(0.3, kill)
    with open_board(remote.board, remote.image, port=remote.url) as session:
        timer.start()
        with pytest.raises(DeviceError, match="is gone") as failure:
            _run_for_ever(session)
    assert stalls.seconds_since(killed[0]) <= 2.0
    assert failure.value.exit_code == 5
    timer.join()


def _run_for_ever(session: BoardSession) -> None:
    while True:
        session.invoke(0, 200)


def test_a_server_that_is_not_there_is_a_device_error_at_once(
    remote: Remote, stalls: Stalls
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(DeviceError, match="cannot open rfc2217"):
        open_board(remote.board, remote.image, port=f"rfc2217://127.0.0.1:{port}")
    assert stalls.seconds_since(started) <= 2.0

"""Whatever ends a session, the board removes its folder."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.linux.machine import RUNNER
from edgeq.device.ssh import SshSession, parse_target
from tests.support.openssh import Server, needs_sshd, serve

pytestmark = needs_sshd
KILLS, AT_ONCE = 50, 25


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as running:
        yield running


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return done()


def start_client(server: Server, ready: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "tests.support.openssh_client", str(server.config), str(ready)]
    return subprocess.Popen(argv, stderr=subprocess.DEVNULL)


def test_ctrl_c_removes_the_folder(server: Server, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with start_client(server, ready) as process:
        assert wait_until(ready.exists)
        assert list(server.temporary.iterdir())
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert not list(server.temporary.iterdir())


def test_fifty_kills_leave_no_folder(server: Server, tmp_path: Path) -> None:
    """Killed at any moment, before the folder is there or long after; SIGKILL cannot be caught."""
    rng = random.Random(26)
    made = 0
    for batch in range(KILLS // AT_ONCE):
        readies = [tmp_path / f"{batch}-{i}" for i in range(AT_ONCE)]
        processes = [start_client(server, ready) for ready in readies]
        # Half of them have their folder by then; the others are on their way.
        assert wait_until(lambda: sum(r.exists() for r in readies) >= AT_ONCE // 2)  # noqa: B023
        for process in processes:
            time.sleep(rng.uniform(0.0, 0.15))
            process.kill()
            process.wait(timeout=30)
        made += sum(ready.exists() for ready in readies)
    assert made > KILLS // 4
    assert wait_until(lambda: not list(server.temporary.iterdir()))


def test_a_killed_connection_leaves_no_folder(server: Server) -> None:
    session = SshSession(parse_target("board", config=server.config))
    folder = Path(session.folder)
    session.put(RUNNER, "runner.py")
    session._keeper.close()
    assert wait_until(lambda: not folder.exists())
    with pytest.raises(DeviceError, match="did not arrive whole"):
        session.put(RUNNER, "runner.py")

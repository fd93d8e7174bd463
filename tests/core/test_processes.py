"""Child processes end: by themselves, at their deadline, or at their memory limit."""

from __future__ import annotations

import sys
import time

import pytest

from edgeq.core.errors import ToolchainError
from edgeq.core.processes import TimedOut, run
from tests.support.stalls import Stalls


def test_output_and_return_code_come_back() -> None:
    seen: list[str] = []
    done = run(
        [sys.executable, "-c", "import sys; print('a'); print('b'); sys.exit(7)"],
        timeout_s=30,
        on_line=seen.append,
    )
    assert done.returncode == 7
    assert done.stdout == "a\nb\n"
    assert seen == ["a", "b"]


def test_stdin_reaches_the_child() -> None:
    done = run(
        [sys.executable, "-c", "import sys; print(sys.stdin.read().upper())"],
        timeout_s=30,
        stdin=b"word",
    )
    assert done.stdout == "WORD\n"


def test_a_hanging_child_is_killed_at_its_deadline() -> None:
    begin = time.monotonic()
    with pytest.raises(TimedOut):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.5)
    assert time.monotonic() - begin < 10


def test_grandchildren_die_with_the_child() -> None:
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    seen: list[str] = []
    with pytest.raises(TimedOut):
        run([sys.executable, "-c", code], timeout_s=2, on_line=seen.append)
    pid = int(seen[0])
    assert not _alive_after(pid, 5)


def _alive_after(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.05)
    return _alive(pid)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits are a Linux matter")
def test_a_child_over_its_memory_fails_alone() -> None:
    done = run(
        [sys.executable, "-c", "x = bytearray(1 << 30)"], timeout_s=30, memory_bytes=512 << 20
    )
    assert done.returncode != 0
    assert "MemoryError" in done.stderr


def test_a_missing_program_is_a_toolchain_error() -> None:
    with pytest.raises(ToolchainError, match="cannot start"):
        run(["edgeq-no-such-program"], timeout_s=5)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_what_a_dead_child_started_is_neither_waited_for_nor_left(stalls: Stalls) -> None:
    code = (
        "import subprocess, os; p = subprocess.Popen(['sleep', '60']);"
        "print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    started = time.monotonic()
    done = run([sys.executable, "-c", code], timeout_s=50)
    assert stalls.seconds_since(started) < 3
    assert done.returncode == -9
    assert not _alive_after(int(done.stdout), 5)

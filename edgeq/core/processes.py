"""Child processes: the only place that starts one. Never through a shell, always with limits."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from edgeq.core.errors import ToolchainError

POSIX = os.name == "posix"
LINGER_S = 1.0
_live: set[subprocess.Popen[bytes]] = set()
_starting = threading.RLock()


class Completed(NamedTuple):
    """A child process that ended by itself. `returncode` is negative for a signal."""

    returncode: int
    stdout: str
    stderr: str


class TimedOut(ToolchainError):
    """A child process did not end within its time."""


def find_tool(name: str) -> str | None:
    """Return the path of the program `name`, or None."""
    return shutil.which(name)


def python_argv(module: str, *args: str) -> list[str]:
    """Return the argv that runs a module of ours in a fresh interpreter."""
    return [sys.executable, "-m", module, *args]


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    memory_bytes: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run `argv` to its end and return its output.

    Args:
        timeout_s: the whole process group is killed after this many seconds (TimedOut).
        memory_bytes: limit of the address space (Linux), None for no limit.
        env: variables added to the environment.
        on_line: called with each line of stdout as it arrives.

    Raises:
        TimedOut: the process was killed at its deadline.
        ToolchainError: the program could not be started.
    """
    child = start(argv, memory_bytes=memory_bytes, cwd=cwd, env=env)
    lines: list[str] = []
    errors: list[str] = []
    arrived: queue.Queue[str] = queue.Queue()
    readers = [
        _thread(_pump, child.stdout, arrived.put),
        _thread(_pump, child.stderr, errors.append),
        _thread(_feed, child, stdin),
    ]
    deadline = time.monotonic() + timeout_s
    try:
        for line in _lines_of(child, readers[0], arrived, deadline):
            lines.append(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))
        child.wait(timeout=max(0.1, deadline - time.monotonic()))
        readers[1].join(timeout=LINGER_S)
    except subprocess.TimeoutExpired as error:
        raise TimedOut(
            f"{Path(argv[0]).name} did not end within {timeout_s:g} s",
            hint="the input may be hostile or the machine busy; raise the limit with --timeout",
        ) from error
    finally:
        kill_group(child, rest=any(reader.is_alive() for reader in readers))
        _close_pipes((child.stdout, child.stderr, child.stdin), readers)
    return Completed(child.returncode, "".join(lines), "".join(errors))


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _lines_of(
    child: subprocess.Popen[bytes],
    reader: threading.Thread,
    arrived: queue.Queue[str],
    deadline: float,
) -> Iterator[str]:
    """Yield lines as they arrive until the end; raise TimeoutExpired at the deadline.

    What a dead child started may hold its stdout open: that is not waited for.
    """
    end = deadline
    while (reader.is_alive() or not arrived.empty()) and time.monotonic() <= end:
        with contextlib.suppress(queue.Empty):
            yield arrived.get(timeout=0.05)
        if child.poll() is not None:
            end = min(end, time.monotonic() + LINGER_S)
    if time.monotonic() > deadline:
        raise subprocess.TimeoutExpired(child.args, 0.0)


def _close_pipes(pipes: Sequence[IO[bytes] | None], readers: Sequence[threading.Thread]) -> None:
    for pipe, reader in zip(pipes, readers, strict=True):
        # To close a pipe that a thread still reads would wait for that thread.
        reader.join(timeout=LINGER_S)
        if pipe is not None and not reader.is_alive():
            with contextlib.suppress(OSError):
                pipe.close()


def start(
    argv: Sequence[str],
    *,
    memory_bytes: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a process group of its own, with pipes on all three streams.

    Raises:
        ToolchainError: the program could not be started.
    """
    try:
        with _starting:
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                start_new_session=POSIX,
                preexec_fn=_limiter(memory_bytes) if POSIX and memory_bytes else None,
            )
            _live.add(child)
            return child
    except OSError as error:
        raise ToolchainError(
            f"cannot start {argv[0]}: {error.strerror or error}",
            hint="run `edgeq doctor` to see what is missing",
        ) from error


def kill_group(child: subprocess.Popen[bytes], *, rest: bool = False) -> None:
    """Kill `child` and everything it started, and reap it.

    Args:
        rest: kill what a child that ended left behind; only for one that ended just now, whose
            process id cannot be another's yet.
    """
    if child.poll() is None or rest:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)
    _live.discard(child)


def kill_all() -> None:
    """Kill every child that still runs, for good: a process that is about to end calls this.

    No thread starts another child from here on.
    """
    _starting.acquire()
    for child in tuple(_live):
        kill_group(child)


class Child:
    """A child process that lives beside us: its stdout as bytes, the tail of its stderr.

    Use it as a context manager, or call `close`: the process group is killed and reaped.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ended = False
        self._errors: deque[str] = deque(maxlen=50)
        self._readers = (
            threading.Thread(target=_pump_raw, args=(process.stdout, self._arrived.put)),
            threading.Thread(target=_pump, args=(process.stderr, self._errors.append)),
        )
        for reader in self._readers:
            reader.daemon = True
            reader.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def read(self, timeout_s: float) -> bytes:
        """Return what its stdout gives within `timeout_s`, b'' for nothing.

        Raises:
            EOFError: its stdout is closed: the process ended or is ending.
        """
        try:
            data = b"" if self._ended else self._arrived.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return b""
        if not data:
            self._ended = True
            raise EOFError
        return data

    def write(self, data: bytes) -> None:
        """Write all of `data` to its stdin; raise EOFError where it does not read any more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise EOFError from error

    def wait(self, timeout_s: float) -> int | None:
        """Return its exit code (negative for a signal), None where it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=timeout_s)
            self._readers[1].join(timeout=timeout_s)
        return self._process.returncode

    def hang_up(self) -> None:
        """Close its stdin: a child that reads it to its end then ends by itself."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()

    def last_words(self) -> str:
        """Return the last lines of its stderr."""
        return "".join(list(self._errors)).strip()

    def close(self) -> None:
        """Kill the process group, reap it, and end the threads that read its streams."""
        kill_group(self._process)
        for reader in self._readers:
            reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def spawn(
    argv: Sequence[str],
    *,
    memory_bytes: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Start `argv` as a child that lives beside us; see `start` for the arguments and errors."""
    return Child(start(argv, memory_bytes=memory_bytes, cwd=cwd, env=env))


def _limiter(memory_bytes: int) -> Callable[[], None]:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return limit


def _pump(pipe: object, put: Callable[[str], None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for raw in iter(pipe.readline, b""):  # type: ignore[attr-defined]
            put(raw.decode("utf-8", "replace"))


def _pump_raw(pipe: object, put: Callable[[bytes], None]) -> None:
    """Hand on what `pipe` gives; b'' at its end."""
    with contextlib.suppress(ValueError, OSError):
        while data := pipe.read1(65536):  # type: ignore[attr-defined]
            put(data)
    put(b"")


def _feed(child: subprocess.Popen[bytes], data: bytes | None) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        if data:
            child.stdin.write(data)
        child.stdin.close()

"""A worker that crashes, hangs or is of another edgeq fails its own work alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq import __version__
from edgeq.core.errors import ToolchainError
from edgeq.core.processes import TimedOut, spawn
from edgeq.graph.writer import write_graph
from edgeq.sweep import work, workers
from edgeq.sweep.frames import MAX_BYTES, Unpacker, pack
from edgeq.sweep.manifest import Limits
from edgeq.sweep.records import Answer, Job, encode
from tests.support.boards import board_with
from tests.support.small_cnn import small_cnn
from tests.support.sweeps import workers_of

JOB = Job(
    kind="fit",
    version=__version__,
    model=write_graph(small_cnn()),
    board=board_with("unicorn"),
)


def decode(message: bytes) -> Answer:
    return msgspec.msgpack.decode(message, type=Answer)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(workers.tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc (Linux)")
def test_a_worker_that_is_killed_says_so_and_the_next_work_has_a_new_one(scratch: Path) -> None:
    worker = workers.Worker(Limits())
    assert decode(worker.ask(encode(JOB))).failure is None
    (pid,) = workers_of(scratch)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ToolchainError, match="killed by signal 9"):
        worker.ask(encode(JOB))
    assert decode(worker.ask(encode(JOB))).failure is None
    assert workers_of(scratch) != [pid]
    worker.close()
    assert workers_of(scratch) == []
    assert list(scratch.iterdir()) == []


def test_work_that_does_not_end_is_ended(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_S", 0.0)
    hang = [sys.executable, "-c", "import sys; sys.stdin.buffer.read()"]
    monkeypatch.setattr(workers, "python_argv", lambda *words: hang)
    worker = workers.Worker(Limits(seconds=0.5))
    with pytest.raises(TimedOut, match=r"did not end within 0\.5 s"):
        worker.ask(encode(JOB))
    worker.close()
    assert list(scratch.iterdir()) == []


def test_a_worker_that_is_closed_in_the_middle_of_work_gives_up(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = [sys.executable, "-c", "import sys; sys.stdin.buffer.read()"]
    monkeypatch.setattr(workers, "python_argv", lambda *words: hang)
    worker = workers.Worker(Limits())
    threading.Timer(1.0, worker.close).start()
    with pytest.raises(ToolchainError):
        worker.ask(encode(JOB))
    with pytest.raises(ToolchainError, match="the sweep is over"):
        worker.ask(encode(JOB))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc (Linux)")
def test_the_death_of_who_asked_ends_the_worker_and_its_children(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from edgeq.core.processes import spawn; from edgeq.sweep import work, worker\n"
        "def hang(message, folder):\n"
        "    spawn([sys.executable, '-c', 'import time; time.sleep(600)', str(folder)])\n"
        "    time.sleep(600)\n"
        "worker.serve(Path(sys.argv[1]), hang)\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with spawn([sys.executable, "-c", program, str(scratch)]) as child:
        child.write(pack(b"job"))
        _wait_for(lambda: len(workers_of(scratch)) == 2)
        child.hang_up()
        _wait_for(lambda: workers_of(scratch) == [])
    assert not scratch.exists()


def _wait_for(truth: object) -> None:
    assert callable(truth)
    deadline = time.monotonic() + 30
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_of_another_edgeq_refuses(tmp_path: Path) -> None:
    other = msgspec.structs.replace(JOB, version="0.0.1")
    failure = decode(work.answer(encode(other), tmp_path)).failure
    assert failure is not None
    assert (failure.error, "0.0.1" in failure.cause) == ("ToolchainError", True)


@given(st.binary(max_size=100))
def test_any_bytes_as_work_give_a_failure(message: bytes) -> None:
    answer = decode(work.answer(message, Path("away")))
    assert answer.failure is not None


def test_a_hostile_model_is_a_failure_of_its_own_error(tmp_path: Path) -> None:
    for model in (b"", b"\0" * 64, JOB.model[:100], b"\xff" * 1000):
        job = msgspec.structs.replace(JOB, model=model)
        failure = decode(work.answer(encode(job), tmp_path)).failure
        assert failure is not None
        assert failure.error == "InputError", failure


def test_a_source_with_a_path_that_leads_outside_is_refused(tmp_path: Path) -> None:
    from edgeq.sweep.manifest import Scheme
    from edgeq.sweep.records import Samples

    job = Job(
        kind="convert",
        version=__version__,
        source_name="source.keras",
        source={"../evil": b""},
        scheme=Scheme(name="a"),
        samples=Samples(dataset="x", sha256="", arrays=(), ids=()),
    )
    folder = tmp_path / "job"
    folder.mkdir()
    failure = decode(work.answer(encode(job), folder)).failure
    assert failure is not None
    assert "leads outside" in failure.cause
    assert [p.name for p in tmp_path.iterdir()] == ["job"]


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 9))
def test_messages_come_whole_out_of_pieces(lengths: list[int], size: int) -> None:
    # Only lengths are drawn: what a message holds is no matter to whoever cuts the stream.
    messages = [bytes(range(place, place + length)) for place, length in enumerate(lengths)]
    stream = b"".join(map(pack, messages))
    unpacker, found = Unpacker(), []
    for start in range(0, len(stream), size):
        unpacker.feed(stream[start : start + size])
        while (message := unpacker.take()) is not None:
            found.append(message)
    assert found == messages


def test_a_length_beyond_all_messages_is_refused() -> None:
    unpacker = Unpacker()
    unpacker.feed((MAX_BYTES + 1).to_bytes(8, "big"))
    with pytest.raises(ValueError, match="a message of"):
        unpacker.take()

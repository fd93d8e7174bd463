"""MLPerf Tiny's protocol in tests: built firmware, and a host that writes and reads bytes."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgeq.bench.inputs import ModelInput
from edgeq.bench.oracles import find_oracle
from edgeq.bench.preparation import Prepared, prepare
from edgeq.boards.registry import find_board
from edgeq.core.records import ProtocolRecord
from edgeq.core.records.firmware import Mode
from edgeq.device.connection import connect
from edgeq.device.streams import Stream
from edgeq.device.virtual.launch import qemu_program
from edgeq.firmware.toolchains import find_toolchain, is_installed
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn
from tests.support.tools import need_program

READY = b"m-ready\r\n"
ANSWER_S = 120.0
CHUNK = 31
_LAP = re.compile(rb"m-lap-us-(\d+)\r\n")


def small_model(folder: Path) -> Path:
    """Write the small network: 64 inputs, 10 outputs."""
    path = folder / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def build(
    model: Path, board: str, folder: Path, *, mode: Mode = "performance", task: str | None = "ic01"
) -> Prepared:
    """Build the firmware; skip where its compiler or what runs the board is missing."""
    profile = find_board(board)
    if profile.flash.method == "unicorn":
        pytest.importorskip("unicorn")
    if profile.flash.method == "qemu":
        need_program(qemu_program(profile))
    if not is_installed(find_toolchain(profile)):
        pytest.skip(f"no toolchain for {board} is installed")
    spoken = ProtocolRecord(name="mlperf", mode=mode, model=task)
    return prepare(model, profile, folder, protocol=spoken)


@functools.cache
def small_firmware(board: str, mode: Mode = "performance") -> Prepared:
    """Return the small network's firmware as ic01; made once, skipped as in `build`."""
    folder = Path(tempfile.mkdtemp(prefix="edgeq-mlperf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(small_model(folder), board, folder, mode=mode)


class Host:
    """The host's side: one command after the other, each up to its m-ready."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.boot = self._read()

    def ask(self, command: str | bytes) -> bytes:
        """Send a command; return what comes before m-ready."""
        raw = command.encode() if isinstance(command, str) else command
        self.stream.write(raw + b"%")
        return self._read()

    def load(self, data: bytes) -> bytes:
        """Fill the buffer; return the answer to the last bytes."""
        answer = self.ask(f"db load {len(data)}")
        assert answer == b"m-[Expecting %d bytes]\r\n" % len(data)
        for start in range(0, len(data), CHUNK):
            assert answer != b"m-load-done\r\n"
            answer = self.ask(f"db {data[start : start + CHUNK].hex()}")
        return answer

    def _read(self) -> bytes:
        answer, deadline = b"", time.monotonic() + ANSWER_S
        while not answer.endswith(READY):
            assert time.monotonic() < deadline, answer
            answer += self.stream.read(1.0)
        return answer[: -len(READY)]


@contextmanager
def opened(ready: Prepared) -> Iterator[Host]:
    """Run the firmware on a board of this computer."""
    stream = connect(ready.board, ready.image)
    try:
        yield Host(stream)
    finally:
        stream.close()


def laps(answer: bytes) -> list[int]:
    """Return the time stamps of an answer, in microseconds."""
    return [int(found) for found in _LAP.findall(answer)]


def without_laps(answer: bytes) -> bytes:
    """Return an answer with N for each time stamp."""
    return _LAP.sub(b"m-lap-us-N\r\n", answer)


def scores(answer: bytes) -> list[str]:
    """Return the results of an answer as they are written."""
    found = re.search(rb"m-results-\[([^]]*)\]\r\n", answer)
    assert found is not None, answer
    return found[1].decode().split(",")


def expected_scores(ready: Prepared, raw: bytes) -> list[str]:
    """Return the results that the oracle gives for the bytes of the model's input."""
    plan = ready.compiled.plan
    item = ModelInput(name="test", ports=(raw,))
    (output,) = find_oracle("edgeq").compute(ready.model, ready.graph, plan, [item])[0]
    port = plan.outputs[0]
    assert port.scale is not None
    assert port.zero_point is not None
    levels = np.frombuffer(output, np.int8).astype(np.int32) - port.zero_point
    return [f"{value:.3f}" for value in levels.astype(np.float32) * np.float32(port.scale)]


def centred(raw: bytes) -> bytes:
    """Return 0 to 255 as -128 to 127."""
    return (np.frombuffer(raw, np.uint8).astype(np.int16) - 128).astype(np.int8).tobytes()

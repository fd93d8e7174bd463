"""The gate of a board: one pulse an inference, and the edges that virtual boards report."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError
from edgeq.core.lcg import generate_bytes
from edgeq.device.connection import connect
from edgeq.device.session import BoardSession
from edgeq.device.virtual.gate import WAITING_LINES, GateEdge, GateReporter, read_edges
from edgeq.device.virtual.launch import VirtualStream
from tests.support.firmware import virtual_firmware
from tests.support.mlperf import Host, small_firmware


def _edges(stream: VirtualStream, count: int) -> list[GateEdge]:
    """Return the next `count` edges; there is no other one behind them."""
    found: list[GateEdge] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        found += stream.gate_edges(0.5)
    assert len(found) == count
    assert stream.gate_edges(0.2) == ()
    return found


def test_each_inference_is_a_pulse_as_long_as_the_model_takes(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    image = virtual_firmware(tmp_path)
    stream = connect(find_board("virt-m4"), image)
    assert isinstance(stream, VirtualStream)
    with BoardSession(stream) as session:
        session.write_input(0, bytes(64))
        session.invoke_quietly(3, timeout_s=60.0)
        edges = _edges(stream, 6)
        (single,) = session.invoke(0, 1)
        edges += _edges(stream, 2)
    assert [edge.gate for edge in edges] == [1, 0] * 4
    counts = [edge.instructions for edge in edges]
    pulses = [fall - rise for rise, fall in zip(counts[::2], counts[1::2], strict=True)]
    # Reading the counters and writing the gate is all that is in a pulse beside the model.
    assert pulses == pytest.approx([single["instructions"]] * 4, abs=200)
    pauses = [rise - fall for fall, rise in zip(counts[1:-1:2], counts[2::2], strict=True)]
    assert all(pause > 200 for pause in pauses)
    assert edges[1].cycles - edges[0].cycles > pulses[0]


@pytest.mark.parametrize("board", ["virt-m0plus", "virt-m4"])
def test_energy_mode_pulls_the_gate_low_for_each_stamp(board: str) -> None:
    ready = small_firmware(board, "energy")
    stream = connect(ready.board, ready.image)
    assert isinstance(stream, VirtualStream)
    try:
        host = Host(stream)
        # Let go at the start, then one stamp.
        assert [edge.gate for edge in _edges(stream, 3)] == [1, 0, 1]
        assert host.ask("timestamp") == b""
        fall, rise = _edges(stream, 2)
        assert (fall.gate, rise.gate) == (0, 1)
        assert rise.cycles - fall.cycles >= ready.board.clock_hz * 100e-6
        host.load(generate_bytes(1, 64))
        host.ask("infer 1 5")
        one = _edges(stream, 4)
        host.ask("infer 10 0")
        ten = _edges(stream, 4)
    finally:
        stream.close()
    assert [edge.gate for edge in one] == [0, 1, 0, 1]
    windows = [edges[2].cycles - edges[0].cycles for edges in (one, ten)]
    pulse = one[1].cycles - one[0].cycles
    assert windows[1] - pulse == pytest.approx(10 * (windows[0] - pulse), rel=0.1)


def test_performance_mode_leaves_the_gate_alone() -> None:
    ready = small_firmware("virt-m4")
    stream = connect(ready.board, ready.image)
    assert isinstance(stream, VirtualStream)
    try:
        host = Host(stream)
        host.load(generate_bytes(1, 64))
        host.ask("infer 2 1")
        assert _edges(stream, 0) == []
    finally:
        stream.close()


def test_a_reporter_never_waits_for_a_reader() -> None:
    read, write = os.pipe()
    try:
        reporter = GateReporter(write, lambda: (7, 9))
        edges = 4 * WAITING_LINES
        for i in range(edges):
            reporter.set(1 - i % 2)
        reporter.set(i % 2 ^ 1)  # the same level again is no edge
        os.set_blocking(read, False)
        text = b""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and text.count(b"\n") < WAITING_LINES:
            try:
                text += os.read(read, 1 << 20)
            except BlockingIOError:
                time.sleep(0.01)
        reporter.set(1)
        reporter.close()
        text += os.read(read, 1 << 20)
    finally:
        os.close(read)
        os.close(write)
    found = list(read_edges(text[: text.rindex(b"\n") + 1]))
    assert found[0] == GateEdge(gate=1, instructions=7, cycles=9)
    assert len(found) + sum(edge.lost for edge in found) == edges + 1
    assert found[-1].lost > 0


def test_what_is_no_edge_is_a_devices_error() -> None:
    for line in (b"{", b'{"gate": 1}\n', b'{"gate": "x", "instructions": 1, "cycles": 1}\n'):
        with pytest.raises(DeviceError, match="no edge"):
            list(read_edges(line))

"""The gate of the firmware: high while the model runs, for each inference, and at no other time."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.boards.registry import find_board
from edgeq.device.session import BoardSession
from edgeq.device.virtual.gate import GateEdge
from edgeq.device.virtual.launch import open_unicorn
from tests.support.firmware import virtual_firmware

RUNS = 3


def test_each_inference_is_a_pulse_as_long_as_the_model_takes(tmp_path: Path) -> None:
    image = virtual_firmware(tmp_path)
    stream = open_unicorn(find_board("virt-m4"), image.elf)
    edges: list[GateEdge] = []
    with BoardSession(stream) as session:
        session.invoke_quietly(RUNS, timeout_s=60.0)
        (measured,) = session.invoke(0, 1)
        while len(edges) < 2 * (RUNS + 1):
            more = stream.gate_edges(5.0)
            assert more, f"{len(edges)} edges, and no more"
            edges += more
        assert stream.gate_edges(0.1) == ()
    assert [edge.gate for edge in edges] == [1, 0] * (RUNS + 1)
    lengths = [
        b.instructions - a.instructions for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    # Reading the counters and writing the gate is all that is in a pulse beside the model.
    assert lengths == pytest.approx([measured["instructions"]] * (RUNS + 1), abs=200)
    pauses = [
        b.instructions - a.instructions for a, b in zip(edges[1::2], edges[2::2], strict=False)
    ]
    assert all(pause > 200 for pause in pauses)

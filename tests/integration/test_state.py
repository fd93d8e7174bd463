"""Models that keep state give the oracle's bytes run after run on an emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.graph.ir import Graph
from edgeq.graph.writer import write_graph
from tests.graph.oracle.test_recurrent import lstm_model
from tests.support.variables import streaming_model


@pytest.mark.parametrize(
    "graph",
    [lstm_model(steps=4, depth=17, units=9), streaming_model()],
    ids=["lstm", "variables"],
)
def test_state_goes_on_from_run_to_run(tmp_path: Path, graph: Graph) -> None:
    path = tmp_path / "state.tflite"
    path.write_bytes(write_graph(graph))
    result = api.bench(path, board="virt-m4", runs=3, warmup=2, layers=False)
    assert result.output.bit_exact is True
    record = api.validate(path, board="virt-m4", seeds=4)
    assert (record.matched, record.inputs) == (4, 4)

"""Exports ask the compiler for what the user asks of the export."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.bench.exporting import export_model
from edgeq.core.errors import GateError, UsageError
from edgeq.core.records import CompileOptions
from edgeq.firmware.exports import Engine
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

TIGHT = CompileOptions(ram_bytes=16)


@pytest.mark.parametrize(
    ("engine", "error", "cause"),
    [("aot", GateError, "the arena needs"), ("tflm", UsageError, "does not compile")],
)
def test_what_an_engine_cannot_do_is_said_and_nothing_is_written(
    engine: Engine, error: type[Exception], cause: str, tmp_path: Path
) -> None:
    graph, out = small_cnn(), tmp_path / "out"
    model = tmp_path / "m.tflite"
    model.write_bytes(write_graph(graph))
    with pytest.raises(error, match=cause):
        export_model(model, graph, "cmake", out, engine=engine, board=None, name="m", options=TIGHT)
    assert not out.exists()

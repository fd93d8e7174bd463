"""The whole road from an int8 model to a measured, proved firmware, on small models of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


@pytest.mark.parametrize("board", ["virt-m0plus", "virt-m4", "virt-m33", "host"])
def test_every_kind_of_board_is_bit_exact(model: Path, board: str) -> None:
    record = api.validate(model, board=board, seeds=4)
    assert (record.inputs, record.matched, record.first_mismatch) == (4, 4, None)


def test_a_bench_counts_every_layer_and_their_sum_is_the_inference(model: Path) -> None:
    result = api.bench(model, board="virt-m4", runs=3)
    counts = [layer.instructions for layer in result.layers]
    total = result.latency.instructions
    assert total is not None
    assert all(count is not None and count > 0 for count in counts)
    assert sum(count or 0 for count in counts) == pytest.approx(total, rel=0.02)
    assert result.latency.cycles_kind == "estimated"
    assert result.latency.cycles_source


def test_two_benches_of_one_model_are_the_same_record(model: Path) -> None:
    assert api.bench(model, board="virt-m4", runs=2) == api.bench(model, board="virt-m4", runs=2)

"""Models of int16 data, or with weights of four bits, give TensorFlow Lite Micro's bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.compile import compile_graph
from edgeq.compile.target import NATIVE, Target
from edgeq.graph.writer import write_graph
from tests.graph.oracle.runtimes import check
from tests.support import generated
from tests.support.type_models import INT4, INT8, INT16, Types, rectified_network, small_network

_TYPES = pytest.mark.parametrize("types", [INT4, INT16], ids=["int4", "int16"])
_M4 = Target("cortex-m4", dsp=True)


@_TYPES
def test_a_network_s_oracle_is_tensorflow_lite_micro(types: Types) -> None:
    check(small_network(types), 3, litert=False)


@_TYPES
@pytest.mark.parametrize("target", [NATIVE, _M4], ids=["plain", "dsp"])
def test_a_network_of_other_types_gives_the_oracles_bytes(types: Types, target: Target) -> None:
    generated.check(small_network(types), 5, target)


@_TYPES
def test_a_virtual_board_gives_the_oracles_bytes(types: Types, tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(write_graph(small_network(types)))
    record = api.validate(model, board="virt-m4", seeds=2)
    assert (record.inputs, record.matched) == (2, 2)


@pytest.mark.parametrize("board", ["virt-m4", "virt-m0plus"])
def test_a_network_of_rectifiers_and_products_runs_on_int16(board: str, tmp_path: Path) -> None:
    graph, model = rectified_network(), tmp_path / "net.tflite"
    check(graph, 2, litert=False)
    model.write_bytes(write_graph(graph))
    record = api.validate(model, board=board, seeds=2)
    assert (record.inputs, record.matched) == (2, 2)


@pytest.mark.slow
def test_int16_data_costs_less_than_twice_what_int8_does(tmp_path: Path) -> None:
    counts = []
    for types in (INT8, INT16):
        model = tmp_path / f"{types.data}.tflite"
        model.write_bytes(write_graph(small_network(types)))
        counts.append(api.bench(model, board="virt-m4", runs=1, layers=False).latency.instructions)
    assert counts[1] < 2 * counts[0]


def test_weights_of_four_bits_take_half_the_constants() -> None:
    narrow, wide = (
        compile_graph(small_network(types), name="net").plan.constant_bytes
        for types in (INT4, INT8)
    )
    weights = sum(
        t.elements for t in small_network(INT8).tensors if t.is_constant and t.dtype == "int8"
    )
    assert wide - narrow >= weights // 2

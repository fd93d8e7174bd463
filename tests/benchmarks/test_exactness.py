"""Many cases in one firmware: each gets its inputs, and each wrong byte is found."""

from __future__ import annotations

import zlib
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.compile.support import OPERATORS
from edgeq.core.lcg import generate_bytes
from edgeq.core.records import CompileOptions
from tests.support.benchmarks import benchmark
from tests.support.native import require_compiler
from tests.support.small_cnn import small_cnn
from tests.support.texts import edited

cases = benchmark("exactness_cases")
bundles = benchmark("exactness_bundle")
runs = benchmark("exactness_runs")


@pytest.fixture
def host() -> Board:
    require_compiler("gcc")
    return find_board("host")


@pytest.fixture
def two(runs: ModuleType, bundles: ModuleType, host: Board) -> list[Any]:
    """A network with generated inputs, with inputs at their ends, and with raw bytes."""
    options = CompileOptions()
    fillings = [
        bundles.Filling(7),
        bundles.Filling(7, b"\x80\x7f"),
        bundles.Filling(raw=bytes(range(64))),
    ]
    found = runs.make_cases(0, small_cnn(), host, options, fillings)
    return [*found, *runs.make_cases(1, small_cnn(seed=1), host, options, fillings[:1])]


def test_inputs_are_the_generators(bundles: ModuleType) -> None:
    assert bundles.Filling(3).make(5) == generate_bytes(3, 5)
    assert set(bundles.Filling(3, b"\x80\x7f").make(99)) == {0x80, 0x7F}
    assert bundles.Filling(raw=b"ab").make(2) == b"ab"


def test_the_names_that_a_file_defines_are_found(bundles: ModuleType) -> None:
    text = (
        "static const struct eq_conv conv0 = {\n    .a = 1,\n};\n"
        "static const int8_t weights0[3] = {\n    1, 2, 3\n};\n"
        "static void part2(int8_t *const a)\n{\n    static_call(a);\n}\n"
        "void model_invoke(void)\n{\n"
    )
    assert bundles.DEFINED.findall(text) == ["conv0", "weights0", "part2"]


def test_a_board_computes_every_case_of_a_bundle(
    runs: ModuleType, two: list[Any], host: Board
) -> None:
    assert runs.run_cases(two, host) == []
    answers = runs.run_firmware(two, host, digest=False)
    assert answers == [(0, case.outputs) for case in two]
    digests = runs.run_firmware(two, host, digest=True)
    assert [d for _, d in digests] == [zlib.crc32(c.outputs).to_bytes(4, "little") for c in two]


def test_a_wrong_byte_is_found_and_told(runs: ModuleType, two: list[Any], host: Board) -> None:
    wrong = bytes([two[1].outputs[0] ^ 1]) + two[1].outputs[1:]
    (failure,) = runs.run_cases([two[0], replace(two[1], outputs=wrong)], host)
    assert failure.number == two[1].number
    assert failure.why.startswith(f"1 of {len(wrong)} bytes differ, first byte 0: ")


def test_memory_around_the_arena_is_watched(runs: ModuleType, two: list[Any], host: Board) -> None:
    member = two[0].member
    source = f"{member.compiled.name}.c"
    text = member.compiled.files[source]
    spoilt = edited(text, "const a = c0_arena;\n", "const a = c0_arena;\n    a[-1] = 0;\n")
    compiled = type(member.compiled)(
        name=member.compiled.name, plan=member.compiled.plan, sources=member.compiled.sources,
        files=member.compiled.files | {source: spoilt}, hot_sources=member.compiled.hot_sources,
    )  # fmt: skip
    case = replace(two[0], member=replace(member, compiled=compiled))
    (failure,) = runs.run_cases([case, two[3]], host)
    assert failure.why == "memory around the arena was written to"


def test_a_shard_has_the_same_cases_each_time(cases: ModuleType) -> None:
    one, two = (cases.draw_graphs(cases.CASES["add_wide"], 20, 5) for _ in range(2))
    assert [g.tensors[0].shape for g in one] == [g.tensors[0].shape for g in two]
    assert len({g.tensors[0].shape for g in one}) > 5


def test_a_strategys_cases_are_counted_by_operator_and_dtype(runs: ModuleType, host: Board) -> None:
    shard = runs.Shard("quantize_uint8", "host", CompileOptions(), 1, 0, 6, 2)
    tally = runs.run_shard(shard)
    assert tally.cases == 12
    assert dict(tally.kinds) == {"QUANTIZE uint8 to int8": 12}
    assert tally.failures == []


def test_cases_are_divided_into_shards(runs: ModuleType) -> None:
    whole = runs.Shard("add", "host", CompileOptions(), 1, 0, 1100, 1)
    assert [(s.number, s.models) for s in runs.make_shards(whole)] == [(0, 500), (1, 500), (2, 100)]


def test_every_operator_has_a_case_or_is_named(cases: ModuleType) -> None:
    drawn = {
        node.op
        for strategy in cases.CASES.values()
        for graph in cases.draw_graphs(strategy, 2, 1)
        for node in graph.nodes
    }
    assert cases.missing_operators(OPERATORS, drawn) == sorted(set(OPERATORS) - drawn)
    assert cases.missing_operators({"CONV_2D", "NEW_OP"}, drawn) == ["NEW_OP"]

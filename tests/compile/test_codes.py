"""Weights of few distinct values are found, coded, and kept as codes where that saves flash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.compile import compile_graph
from edgeq.compile.target import NATIVE, Target
from edgeq.core.records import CompileOptions, Goal
from edgeq.graph.codebooks import Codebook, find_codebook
from tests.support.coded_models import BINARY, TERNARY, dense_network

_M4 = Target("cortex-m4", dsp=True)


def decode(book: Codebook, codes: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """Return the weights of rows of codes, four bits after four."""
    halves = np.stack([codes & 15, codes >> 4], axis=-1).reshape(len(codes), -1)
    return book.table().reshape(16, -1)[halves].reshape(len(codes), -1)[:, :count]


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4)])
def test_codes_have_the_fewest_bits_that_number_all_values(count: int, bits: int) -> None:
    book = find_codebook(np.arange(-3, count - 3, dtype=np.int8))
    assert book is not None
    assert (book.bits, book.values) == (bits, tuple(range(-3, count - 3)))


def test_more_than_sixteen_values_have_no_codebook() -> None:
    assert find_codebook(np.arange(17, dtype=np.int8)) is None
    assert find_codebook(np.zeros(0, np.int8)) is None


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.sets(st.integers(-128, 127), min_size=1, max_size=16),
    st.integers(1, 4),
    st.integers(1, 40),
    st.integers(0, 1 << 16),
)
def test_the_table_gives_each_rows_weights_back(
    values: set[int], rows: int, count: int, seed: int
) -> None:
    weights = np.random.default_rng(seed).choice(np.array([*values], np.int8), (rows, count))
    book = find_codebook(weights)
    assert book is not None
    codes = book.encode(weights)
    assert codes.shape == (rows, book.row_bytes(count))
    np.testing.assert_array_equal(decode(book, codes, count), weights)


def test_a_table_of_pairs_reads_as_sums_of_a_and_256_b() -> None:
    book = find_codebook(np.array(TERNARY, np.int8))
    assert book is not None
    pairs = book.pair_table().view("<i2")
    plain = book.table().reshape(16, 2).astype(np.int64)
    np.testing.assert_array_equal(pairs, plain[:, 0] + 256 * plain[:, 1])


@pytest.mark.parametrize(("values", "most"), [(TERNARY, 0.27), (BINARY, 0.15)])
@pytest.mark.parametrize("target", [NATIVE, _M4], ids=["plain", "dsp"])
def test_flash_holds_codes_and_the_plan_says_so(
    values: tuple[int, ...], most: float, target: Target
) -> None:
    graph = dense_network(values)
    weights = sum(graph.tensor(n.inputs[1]).elements for n in graph.nodes)
    options = CompileOptions(omitted_passes=("codebooks",))
    wide = compile_graph(graph, name="net", target=replace(target, options=options)).plan
    plan = compile_graph(graph, name="net", target=target).plan
    assert wide.constant_bytes - plan.constant_bytes >= (1 - most) * weights
    layer = plan.layers[0]
    assert (layer.weight_values, layer.weight_bits) == (len(values), len(values) - 1)
    assert layer.saved_bytes == wide.layers[0].constant_bytes - layer.constant_bytes
    assert wide.layers[0].weight_bits is None


@pytest.mark.parametrize("goal", ["speed", "ram"])
def test_goals_that_flash_counts_less_for_keep_bytes(goal: Goal) -> None:
    target = replace(_M4, options=CompileOptions(goal=goal))
    plan = compile_graph(dense_network(TERNARY), name="net", target=target).plan
    assert all(layer.weight_bits is None for layer in plan.layers)


def test_codes_that_save_less_than_their_kernels_take_are_not_made() -> None:
    plan = compile_graph(dense_network(TERNARY, units=16), name="net", target=_M4).plan
    assert all(layer.weight_bits is None for layer in plan.layers)


def test_a_budget_that_decoded_weights_break_is_kept_without_codes() -> None:
    graph = dense_network(TERNARY)
    plain = compile_graph(
        graph,
        name="net",
        target=replace(_M4, options=CompileOptions(omitted_passes=("codebooks",))),
    ).plan
    options = CompileOptions(ram_bytes=plain.arena_bytes)
    plan = compile_graph(graph, name="net", target=replace(_M4, options=options)).plan
    assert plan.arena_bytes <= plain.arena_bytes
    assert all(layer.weight_bits is None for layer in plan.layers)

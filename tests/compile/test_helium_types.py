"""Weights of four bits and data of int16 on cores with Helium."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.lower.mve.depthwise import lane_order
from edgeq.compile.lower.mve.int4 import pack_pairs, pack_taps
from edgeq.compile.lower.mve.int16 import upper_factor
from edgeq.compile.target import Target
from edgeq.graph.oracle import Oracle
from edgeq.graph.oracle.fixed_point import multiply_wide, quantize_multiplier, reduce_multiplier
from tests.graph.oracle.runtimes import random_inputs
from tests.support.helium import BOARD, run_helium
from tests.support.type_models import INT4, INT16, Types, small_network

TARGET = Target.of(find_board(BOARD).core)


@pytest.mark.parametrize(
    ("types", "kernels", "plain"),
    [
        (INT4, {"eq_mve_int4.c", "eq_mve_int4_depthwise.c"}, "eq_int4.c"),
        (INT16, {"eq_mve_int16.c", "eq_mve_int16_depthwise.c"}, "eq_int16.c"),
    ],
    ids=["int4", "int16"],
)
def test_operators_with_weights_have_kernels_of_their_types(
    types: Types, kernels: set[str], plain: str
) -> None:
    sources = set(compile_graph(small_network(types), name="net", target=TARGET).sources)
    assert kernels <= sources
    assert plain not in sources


def test_networks_of_other_types_give_the_oracles_bytes() -> None:
    graphs = [small_network(types, seed) for types in (INT4, INT16) for seed in range(2)]
    cases = [(graph, random_inputs(graph, 5)) for graph in graphs]
    for (graph, inputs), outputs in zip(cases, run_helium(cases), strict=True):
        for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_byte_holds_a_weight_of_one_output_below_one_of_another() -> None:
    pairs = np.array([[-8] * 16, [7] * 16, [3] * 16, [-1] * 16], np.int8)
    packed = pack_pairs(pairs).view(np.uint8)
    assert packed.tolist() == [0x78] * 16 + [0xF3] * 16


def test_the_last_tap_of_an_odd_row_lies_in_upper_halves() -> None:
    taps = np.repeat(np.array([[1], [2], [3]], np.int8), 16, axis=1)[None]
    assert pack_taps(taps).tolist() == [0x21] * 16 + [0x30] * 16


def test_lanes_are_parted_once_for_int16_and_twice_for_int8() -> None:
    assert lane_order(8).tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    assert lane_order(16).tolist() == [0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15]


@pytest.mark.parametrize("power", [-30, -18, -17, -16, -9, -1, 0, 3, 6])
def test_the_upper_half_of_a_product_is_the_oracles(power: int) -> None:
    rng = np.random.default_rng(power + 40)
    for _ in range(50):
        real = float(2.0 ** (power + rng.random()))
        bound = 1 << int(rng.integers(1, 31 - max(0, power + 2)))
        factor = upper_factor(real, bound)
        if factor is None:
            continue
        sums = np.array([-bound, bound, 0, -1, 1, *rng.integers(-bound, bound, 20)], np.int64)
        multiplier, shift = quantize_multiplier(real)
        expected = multiply_wide(sums, reduce_multiplier(multiplier), shift)
        assert abs(sums << factor[1]).max() < 1 << 31
        assert 0 <= factor[0] < 1 << 31
        got = ((sums << factor[1]) * factor[0] + (1 << 31)) >> 32
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("real", "bound"), [(2.0**-20, 1 << 30), (1.5, 1 << 30), (0.4, 1 << 31)])
def test_sums_that_leave_32_bits_have_no_factor(real: float, bound: int) -> None:
    assert upper_factor(real, bound) is None
    assert upper_factor(real, 1 << 8) is not None

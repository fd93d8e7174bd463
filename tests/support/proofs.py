"""Proof that a rewritten graph computes the same bytes: by the oracle, on hard inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.compile.passes.rewriting import Rewrite
from edgeq.graph.ir import DTYPES, Graph, Tensor
from edgeq.graph.oracle import Oracle
from tests.support.random_graphs import random_graphs

Array = NDArray[Any]
_FEW = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=2000, derandomize=False)
SOME = settings(_FEW, max_examples=10)
EFFORTS = {"few": _FEW, "many": _MANY}
EFFORT = pytest.mark.parametrize("effort", ["few", pytest.param("many", marks=pytest.mark.slow)])


def hard_inputs(graph: Graph, seed: int, count: int = 3) -> Iterator[list[Array]]:
    """Yield the extremes, alternations, the zero points and `count` random inputs."""
    ports = [graph.tensor(i) for i in graph.inputs]
    yield [np.full(p.shape, np.iinfo(DTYPES[p.dtype]).min, DTYPES[p.dtype]) for p in ports]
    yield [np.full(p.shape, np.iinfo(DTYPES[p.dtype]).max, DTYPES[p.dtype]) for p in ports]
    yield [_zeros(p) for p in ports]
    for phase in range(2):
        yield [_alternating(p, phase) for p in ports]
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield [_random(p, rng) for p in ports]


def _zeros(port: Tensor) -> Array:
    zero = port.quantization.zero_point if port.quantization else 0
    return np.full(port.shape, zero, DTYPES[port.dtype])


def _alternating(port: Tensor, phase: int) -> Array:
    limits = np.iinfo(DTYPES[port.dtype])
    values = np.where((np.arange(port.elements) + phase) % 2, limits.min, limits.max)
    return values.astype(limits.dtype).reshape(port.shape)


def _random(port: Tensor, rng: np.random.Generator) -> Array:
    limits = np.iinfo(DTYPES[port.dtype])
    return rng.integers(limits.min, limits.max + 1, port.shape).astype(limits.dtype)


def assert_same(graph: Graph, made: Graph, seed: int = 0) -> None:
    """Fail unless both graphs give the same bytes. The oracle checks every node of both."""
    before, after = Oracle(graph), Oracle(made)
    for inputs in hard_inputs(graph, seed):
        pairs = zip(before.run(inputs).outputs, after.run(inputs).outputs, strict=True)
        for theirs, ours in pairs:
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)


def prove_on_random_graphs(
    run: Callable[[Graph], Rewrite], effort: str, *steps: str, seen: int = 1
) -> None:
    """Hold a pass on random graphs; at least `seen` of them must give it something to do."""
    changed = []

    @EFFORTS[effort]
    @given(random_graphs(steps), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        made = run(graph)
        if made.changes:
            changed.append(made.changes)
            assert_same(graph, made.graph, seed)
        else:
            assert made.graph is graph

    holds()
    assert len(changed) >= seen, f"only {len(changed)} graphs had something to do"

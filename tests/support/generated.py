"""Generated C held against the oracle: on this computer, or on an emulated board."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq import api
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import NATIVE, Target
from edgeq.core.records import DEFAULT, CompiledModel, CompileOptions
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.graph.oracle.runtimes import random_inputs
from tests.support.dsp_models import side_by_side
from tests.support.native import run_native

_SEEDS = 4


def check(graph: Graph, seed: int, target: Target = NATIVE) -> None:
    """Hold the C that is generated for a target, run on this computer, against the oracle."""
    check_library(graph, compile_graph(graph, name="model", target=target), seed)


def check_library(graph: Graph, compiled: CompiledModel, seed: int) -> None:
    """Hold the C of a library, run on this computer, against the oracle."""
    inputs = random_inputs(graph, seed)
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, compiled, inputs, Path(folder))
    assert_outputs(graph, inputs, outputs)


def assert_outputs(
    graph: Graph, inputs: Sequence[NDArray[np.generic]], outputs: Sequence[NDArray[np.generic]]
) -> None:
    """Fail unless `outputs` are the oracle's, byte for byte."""
    for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=graph.name)


def prove(
    models: st.SearchStrategy[Graph],
    effort: settings,
    holds: Callable[[Graph, int], None] = check,
) -> None:
    """Call `holds` with each model that is supported, and a seed for its inputs."""

    @effort
    @given(models, st.integers(0, 2**32 - 1))
    def property_(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        holds(graph, seed)

    property_()


class _Mix:
    """Some models of each kind, which hypothesis does not print whole."""

    def __init__(self, groups: tuple[list[Graph], ...]) -> None:
        self.graphs = [g for group in groups for g in group if not unsupported_nodes(g)]


def prove_on_board(
    models: Mapping[str, st.SearchStrategy[Graph]],
    counts: Mapping[str, int],
    effort: settings,
    board: str,
    options: CompileOptions = DEFAULT,
) -> None:
    """Hold so many models of each kind, all in one firmware, on a board against the oracle."""
    groups = (st.lists(models[kind], min_size=n, max_size=n) for kind, n in counts.items())

    @settings(effort, phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(st.tuples(*groups).map(_Mix))
    def property_(mix: _Mix) -> None:
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.tflite"
            model.write_bytes(write_graph(side_by_side(mix.graphs)))
            record = api.validate(model, board=board, seeds=_SEEDS, options=options)
        assert (record.inputs, record.matched) == (_SEEDS, _SEEDS)

    property_()

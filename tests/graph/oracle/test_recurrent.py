"""Operators with state give the bytes of TensorFlow Lite Micro, inference after inference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.recurrent import GATES, LSTM_INPUTS
from tests.graph.oracle.runtimes import check_sequence, efforts, hold, random_inputs
from tests.graph.oracle.strategies import zero_points
from tests.support.models import ModelBuilder, activation, constant, variable

_ROLES = tuple(role.rstrip("?") for role in LSTM_INPUTS.split())


def lstm_model(
    batches: int = 1,
    steps: int = 3,
    depth: int = 5,
    units: int = 4,
    *,
    major: bool = False,
    clip: float = 0.0,
    cell_power: int = -11,
    weight_power: float = -7.0,
    zeros: tuple[int, int] = (3, -5),
    seed: int = 0,
    extra: tuple[str, ...] = (),
    changes: dict[str, object] | None = None,
) -> Graph:
    """Return a model of one int8 LSTM with random weights; `extra` roles get a tensor too."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder()
    rows = (steps, batches) if major else (batches, steps)
    given = {"input": builder.input(activation((*rows, depth), "int8", 0.03, zeros[0]))}
    for gate in GATES:
        for kind, size in (("input", depth), ("recurrent", units)):
            scale = float(2.0**weight_power * rng.uniform(0.5, 1.5))
            weights = rng.integers(-127, 128, (units, size))
            given[f"{kind}_to_{gate}"] = builder.add(constant(weights, "int8", scale))
        biases = rng.integers(-3000, 3001, units)
        given[f"{gate}_bias"] = builder.add(constant(biases, "int32", 0.001))
    state = variable((batches, units), "int8", 1 / 128, zeros[1])
    given["output_state"] = builder.add(state)
    given["cell_state"] = builder.add(variable((batches, units), "int16", 2.0**cell_power))
    for role in extra:
        given[role] = builder.add(constant(rng.integers(-9, 9, units), "int16", 0.01))
    options = {"fused_activation_function": "TANH", "time_major": major, "cell_clip": clip}
    builder.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [given.get(role, -1) for role in _ROLES],
        activation((*rows, units), "int8", 1 / 128, zeros[1]),
        options | (changes or {}),  # type: ignore[arg-type]
    )
    return builder.build(builder.nodes[0].outputs)


@st.composite
def lstms(draw: st.DrawFn) -> Graph:
    return lstm_model(
        draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 9)),
        draw(st.integers(1, 9)),
        major=draw(st.booleans()),
        clip=draw(st.sampled_from((0.0, 0.5, 3.0))),
        cell_power=draw(st.integers(-15, -8)),
        weight_power=draw(st.integers(-10, -4)),
        zeros=(draw(zero_points), draw(zero_points)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def svdfs(draw: st.DrawFn) -> Graph:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batches, depth, units, rank, memory = (draw(st.integers(1, m)) for m in (3, 9, 5, 3, 9))
    dtype = draw(st.sampled_from(("int8", "int16")))
    wide = dtype == "int16"
    state_zero = 0 if wide else draw(zero_points)
    scales = (2.0**-11 if wide else 0.04, 2.0**-14 if wide else 0.01)
    builder = ModelBuilder()
    x = builder.input(activation((batches, depth), "int8", 0.05, draw(zero_points)))
    inputs = [
        x,
        constant(rng.integers(-127, 128, (units * rank, depth)), "int8", 0.008),
        constant(rng.integers(-127, 128, (units * rank, memory)), dtype, scales[1]),
        constant(rng.integers(-2000, 2001, units), "int32", scales[0] * scales[1]),
        variable((batches, units * rank * memory), dtype, scales[0], state_zero),
    ]
    relu = draw(st.booleans())
    y = activation((batches, units), "int8", 0.002, -128 if relu else draw(zero_points))
    function = "RELU" if relu else "NONE"
    builder.op("SVDF", inputs, y, {"rank": rank, "fused_activation_function": function})
    return builder.build(builder.nodes[0].outputs)


@efforts
def test_an_svdf_keeps_its_state_as_the_runtime_does(effort: settings) -> None:
    hold(svdfs(), effort, check_sequence)


@efforts
def test_an_lstm_keeps_its_state_as_the_runtime_does(effort: settings) -> None:
    hold(lstms(), effort, check_sequence)


def test_reset_begins_anew() -> None:
    graph = lstm_model()
    oracle, inputs = Oracle(graph), random_inputs(lstm_model(), 1)
    first = oracle.run(inputs).outputs[0]
    assert not np.array_equal(oracle.run(inputs).outputs[0], first)
    oracle.reset()
    np.testing.assert_array_equal(oracle.run(inputs).outputs[0], first)


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (lstm_model(extra=("cell_to_forget",)), "peephole"),
        (lstm_model(extra=("projection",)), "projection"),
        (lstm_model(extra=("cell_norm",)), "layer normalisation"),
        (lstm_model(changes={"fused_activation_function": "RELU"}), "RELU instead of TANH"),
    ],
    ids=["peephole", "projection", "norm", "activation"],
)
def test_other_lstms_are_refused_by_name(graph: Graph, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Oracle(graph)

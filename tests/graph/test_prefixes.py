"""The first operators of a model, cut out of its bytes, compute what they compute in the whole."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgeq.device.linux.runner import cut_model
from edgeq.graph.ir import Graph
from edgeq.graph.prefixes import find_prefixes
from edgeq.graph.reader import read_graph
from edgeq.graph.writer import write_graph
from tests.support.models import ModelBuilder, activation, constant
from tests.support.small_cnn import small_cnn


def branching() -> Graph:
    """Return a model whose last operator reads what the two before it give."""
    model = ModelBuilder()
    x = model.input(activation((1, 8), scale=0.1))
    half = constant(np.arange(8).reshape(1, 8), scale=0.1)
    none = {"fused_activation_function": "NONE"}
    a = model.op("ADD", [x, half], activation((1, 8), scale=0.2), none)
    b = model.op("RELU", [x], activation((1, 8), scale=0.1))
    c = model.op("ADD", [a, b], activation((1, 8), scale=0.4), none)
    return model.build([c])


def run(data: bytes, x: np.ndarray, keep: bool = False) -> Interpreter:  # type: ignore[type-arg]
    interpreter = Interpreter(
        model_content=data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=keep,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter


@pytest.mark.parametrize("graph", [small_cnn(), branching()], ids=["chain", "branch"])
def test_a_prefix_is_a_model_that_computes_the_same_tensors(graph: Graph) -> None:
    data = write_graph(graph)
    whole = read_graph(data, "whole")
    cut = find_prefixes(data, whole)._asdict()
    shape = whole.tensor(whole.inputs[0]).shape
    x = np.random.default_rng(1).integers(-128, 128, shape, np.int8)
    kept = run(data, x, keep=True)
    for count, outputs in enumerate(cut["outputs"], start=1):
        part = cut_model(data, cut, count, list(outputs))
        read = read_graph(part, "part")
        assert [node.op for node in read.nodes] == [node.op for node in whole.nodes[:count]]
        assert read.outputs == outputs
        ran = run(part, x)
        for index in outputs:
            np.testing.assert_array_equal(ran.get_tensor(index), kept.get_tensor(index))


def test_what_nothing_reads_yet_comes_out() -> None:
    data = write_graph(branching())
    graph = read_graph(data, "branch")
    first, second, third = (node.outputs[0] for node in graph.nodes)
    assert find_prefixes(data, graph).outputs == ((first,), (first, second), (third,))

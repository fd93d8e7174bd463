"""The runtimes that the oracle is held against, on models of a few operators."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.graph.ir import DTYPES, Graph, Tensor
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.support import properties

Array = NDArray[Any]
_ARENA_BYTES = 1 << 20

efforts = properties.efforts(40, 2000)


@functools.cache
def _micro() -> Any:
    return pytest.importorskip(
        "tflite_micro.python.tflite_micro.runtime", reason="tflite_micro is not installed"
    )


def random_inputs(graph: Graph, seed: int) -> list[Array]:
    """Return inputs that use the whole range of their dtype; floats a little beyond it."""
    rng = np.random.default_rng(seed)
    return [_random(graph.tensor(i), rng) for i in graph.inputs]


def _random(tensor: Tensor, rng: np.random.Generator) -> Array:
    if tensor.dtype == "float32":
        return rng.normal(0, 3, tensor.shape).astype(np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    limits = np.iinfo(DTYPES[tensor.dtype])
    return rng.integers(limits.min, limits.max, tensor.shape, limits.dtype, endpoint=True)


def run_micro(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """Run TensorFlow Lite Micro; skip the test where it is not installed."""
    return run_micro_sequence(graph, [inputs])[0]


def run_micro_sequence(graph: Graph, sequence: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Run TensorFlow Lite Micro on several inputs, one after the other."""
    interpreter = _micro().Interpreter.from_bytes(write_graph(graph), arena_size=_ARENA_BYTES)
    results = []
    for inputs in sequence:
        for port, array in enumerate(inputs):
            interpreter.set_input(array, port)
        interpreter.invoke()
        results.append([interpreter.get_output(p).copy() for p in range(len(graph.outputs))])
    return results


def run_litert(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """Run LiteRT with its reference kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=write_graph(graph),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def check(graph: Graph, seed: int, *, micro: bool = True, litert: bool = True) -> None:
    """Hold the oracle's outputs against the runtimes', byte for byte.

    Args:
        graph: the model.
        seed: of its inputs.
        micro: whether TensorFlow Lite Micro must agree.
        litert: whether LiteRT's reference kernels must agree.
    """
    inputs = random_inputs(graph, seed)
    outputs = Oracle(graph).run(inputs).outputs
    for name, wanted, run in (("micro", micro, run_micro), ("litert", litert, run_litert)):
        for ours, theirs in zip(outputs, run(graph, inputs) if wanted else outputs, strict=True):
            assert ours.shape == theirs.shape, name
            assert ours.dtype == theirs.dtype, name
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def check_sequence(graph: Graph, seed: int, runs: int = 3) -> None:
    """Hold the oracle's outputs of consecutive inferences against TensorFlow Lite Micro's."""
    sequence = [random_inputs(graph, seed + i) for i in range(runs)]
    oracle = Oracle(graph)
    for inputs, expected in zip(sequence, run_micro_sequence(graph, sequence), strict=True):
        for ours, theirs in zip(oracle.run(inputs).outputs, expected, strict=True):
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            np.testing.assert_array_equal(ours, theirs)


def hold(
    models: st.SearchStrategy[Graph], effort: settings, held: Callable[[Graph, int], None] = check
) -> None:
    """Check that `held` holds for the models that a strategy gives, with random inputs."""

    @effort
    @given(models, st.integers(0, 2**32 - 1))
    def property_(graph: Graph, seed: int) -> None:
        held(graph, seed)

    property_()

"""Child side: LiteRT as the observer of a graph, float or quantised, over many samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgeq.convert.interpreters import OPTIMISED, dequantize, open_model, run_samples
from edgeq.convert.metrics import Array
from edgeq.convert.quantization.draft import Observer
from edgeq.convert.samples import Inputs
from edgeq.graph.ir import Graph
from edgeq.graph.writer import write_graph


def observer_of(inputs: Inputs) -> Observer:
    """Return the observer that runs graphs on samples, one array (N, ...) for each input.

    A graph is opened once for all samples. LiteRT's optimised kernels without delegates compute
    it: statistics need speed, and every tensor must be there to be read.
    """

    def observe(graph: Graph, tensors: Sequence[int]) -> Iterator[Sequence[Array]]:
        return _run(graph, tensors, inputs)

    return observe


def _run(graph: Graph, tensors: Sequence[int], inputs: Inputs) -> Iterator[Sequence[Array]]:
    interpreter = open_model(write_graph(graph), kernels=OPTIMISED, keep=True)
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for _ in run_samples(interpreter, inputs, graph.name):
        yield [dequantize(interpreter.get_tensor(i), details[i]) for i in tensors]

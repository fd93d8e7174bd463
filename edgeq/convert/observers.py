"""Child side: LiteRT as the observer of a graph, float or quantised, over many samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edgeq.convert.interpreters import dequantize, feed
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
    interpreter = _open(write_graph(graph))
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for sample in zip(*inputs, strict=True):
        feed(interpreter, sample, graph.name)
        interpreter.invoke()
        yield [dequantize(interpreter.get_tensor(i), details[i]) for i in tensors]


def _open(data: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    return interpreter

"""Child side: LiteRT as the observer of a graph, float or quantised, over many samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgeq.convert.interpreters import dequantize, quantize
from edgeq.convert.metrics import Array
from edgeq.convert.quantization.draft import Observer
from edgeq.convert.samples import Inputs
from edgeq.core.errors import InputError
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
    ports = interpreter.get_input_details()
    if len(ports) != len(inputs):
        raise InputError(
            f"{graph.name} has {len(ports)} inputs, the samples are for {len(inputs)}",
            hint="choose the dataset that the model was trained for",
        )
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for number in range(len(inputs[0])):
        interpreter.reset_all_variables()
        for port, samples in zip(ports, inputs, strict=True):
            interpreter.set_tensor(port["index"], _fit(samples[number], port, graph.name))
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


def _fit(sample: Array, port: dict[str, Any], name: str) -> Array:
    shape = tuple(int(n) for n in port["shape"])
    if int(np.prod(shape)) != sample.size:
        raise InputError(
            f"{name} takes {shape}, a sample is {sample.shape}", hint="choose the model's dataset"
        )
    return quantize(sample.reshape(shape), port)

"""What is in a model, as one record: operators, quantisation, MACs, memory over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from edgeq.core.records import Record
from edgeq.graph.codebooks import Codebook, find_codebook
from edgeq.graph.ir import Graph, Node, OptionValue, Tensor
from edgeq.graph.ops import OPS, macs

_TABLE_BYTES = 64  # of a codebook: fewer weights save nothing


class TensorSummary(Record, frozen=True, kw_only=True):
    """A tensor. `scales` and `zero_points` have one entry, or one for each index of `axis`;
    they are empty without quantisation. `bytes` is the unpacked size. `values` counts the distinct
    ones of an int8 constant where they are few enough for codes of fewer bits, `code_bits`."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int | None = None
    values: int | None = None
    code_bits: int | None = None


class OperatorSummary(Record, frozen=True, kw_only=True):
    """An operator: what goes in and out, what it costs.

    `inputs` are its activations and `constants` its weights, biases and other constants, in the
    order of the file; `constant_bytes` sums the latter. `live_bytes` is the sum of all activations
    that must exist while it runs. `known` says whether the op table has a row for it.
    """

    index: int
    op: str
    version: int
    known: bool
    inputs: tuple[TensorSummary, ...]
    constants: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    options: dict[str, OptionValue]
    macs: int
    constant_bytes: int
    live_bytes: int


class Inspection(Record, frozen=True, kw_only=True):
    """What is in a model.

    `memory_over_time[i]` is the live bytes while operator i runs: activations from the operator
    that produces them to the last one that reads them, without reuse in place, alignment or
    scratch. Its maximum, `activation_peak_bytes`, is reached first at operator `peak_operator`.
    `constant_bytes` counts a constant once, however many operators read it.
    """

    schema: Literal["edgeq.inspection/1"] = "edgeq.inspection/1"
    name: str
    sha256: str
    bytes: int
    description: str
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    operators: tuple[OperatorSummary, ...]
    op_counts: dict[str, int]
    tensors: int
    macs: int
    constant_bytes: int
    activation_peak_bytes: int
    peak_operator: int
    memory_over_time: tuple[int, ...]


def inspect_graph(graph: Graph) -> Inspection:
    """Return what is in `graph`."""
    live = live_bytes(graph)
    operators = tuple(_operator(graph, node, live[i]) for i, node in enumerate(graph.nodes))
    peak = max(live, default=0)
    return Inspection(
        name=graph.name,
        sha256=graph.sha256,
        bytes=graph.file_bytes,
        description=graph.description,
        inputs=_summaries(graph, graph.inputs),
        outputs=_summaries(graph, graph.outputs),
        operators=operators,
        op_counts=dict(Counter(node.op for node in graph.nodes).most_common()),
        tensors=len(graph.tensors),
        macs=sum(operator.macs for operator in operators),
        constant_bytes=sum(t.bytes for t in graph.tensors if t.is_constant),
        activation_peak_bytes=peak,
        peak_operator=live.index(peak) if live else 0,
        memory_over_time=live,
    )


def live_bytes(graph: Graph) -> tuple[int, ...]:
    """Return, for each node, the sum of the activations in bytes that exist while it runs.

    Inputs live from the start, outputs to the end, variables always.
    """
    changes = [0] * (len(graph.nodes) + 1)
    for index, (first, last) in lifetimes(graph).items():
        changes[first] += graph.tensor(index).bytes
        changes[last + 1] -= graph.tensor(index).bytes
    total = 0
    live = []
    for change in changes[:-1]:
        total += change
        live.append(total)
    return tuple(live)


def lifetimes(graph: Graph) -> dict[int, tuple[int, int]]:
    """Return the first and last node (inclusive) during which each activation exists."""
    end = len(graph.nodes) - 1
    spans = dict.fromkeys(graph.inputs, (0, 0))
    for i, node in enumerate(graph.nodes):
        spans.update(dict.fromkeys(node.outputs, (i, i)))
        spans.update({t: (spans[t][0], i) for t in node.inputs if t in spans})
    spans.update({t: (spans[t][0], end) for t in graph.outputs if t in spans})
    spans.update({t.index: (0, end) for t in graph.tensors if t.is_variable})
    return spans if graph.nodes else {}


def _operator(graph: Graph, node: Node, live: int) -> OperatorSummary:
    sources = [i for i in node.inputs if i >= 0]
    constants = _summaries(graph, (i for i in sources if graph.tensor(i).is_constant))
    return OperatorSummary(
        index=node.index,
        op=str(node.options["custom_code"]) if node.op == "CUSTOM" else node.op,
        version=node.version,
        known=node.op in OPS,
        inputs=_summaries(graph, (i for i in sources if not graph.tensor(i).is_constant)),
        constants=constants,
        outputs=_summaries(graph, node.outputs),
        options=dict(node.options),
        macs=macs(graph, node),
        constant_bytes=sum(t.bytes for t in constants),
        live_bytes=live,
    )


def _summaries(graph: Graph, indices: Iterable[int]) -> tuple[TensorSummary, ...]:
    return tuple(_summary(graph.tensor(i)) for i in indices)


def _summary(tensor: Tensor) -> TensorSummary:
    q, book = tensor.quantization, _codebook(tensor)
    return TensorSummary(
        index=tensor.index,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=tensor.bytes,
        scales=q.scales if q else (),
        zero_points=q.zero_points if q else (),
        axis=q.axis if q and q.per_channel else None,
        values=len(book.values) if book else None,
        code_bits=book.bits if book else None,
    )


def _codebook(tensor: Tensor) -> Codebook | None:
    if tensor.dtype != "int8" or tensor.data is None or tensor.elements <= _TABLE_BYTES:
        return None
    return find_codebook(tensor.data)

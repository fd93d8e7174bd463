"""The LSTM on the DSP extension: the four gates of a cell are a quad of eq_dense_quads.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Layer
from edgeq.compile.lower.dsp.dense import fits_pairs, pack_weights, sum_chunk
from edgeq.compile.lower.recurrent import gate_weights, lstm_layer
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of


def _is_quads(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether words hold the weights."""
    call = call_of(graph, node)
    sides = (_rows(gate_weights(call, side)) for side in ("input", "recurrent"))
    return target.dsp and all(fits_pairs(rows) for rows in sides)


def _lower_quads(graph: Graph, node: Node, target: Target) -> Layer:
    return lstm_layer(call_of(graph, node), "eq_lstm_quads", _pack, "eq_dense_quads")


def _pack(weights: NDArray[np.int8]) -> tuple[NDArray[Any], int]:
    rows = _rows(weights)
    return pack_weights(rows), sum_chunk(rows)


def _rows(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return weights [gates, cells, depth] as the rows of all gates of one cell after the other."""
    _, _, depth = weights.shape
    return weights.transpose(1, 0, 2).reshape(-1, depth).astype(np.int64)


LSTMS = (Variant("quads", _is_quads, _lower_quads),)

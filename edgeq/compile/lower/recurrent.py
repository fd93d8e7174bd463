"""Operators with state: the LSTM and the SVDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT, accumulator_bounds, pack_shift
from edgeq.compile.layer import Call, Constant, Layer, constant
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.recurrent import Factor, LstmFactors, logistic_samples, named
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.recurrent import GATES

_LARGEST_PRODUCT = 32768 * 32767  # of two numbers of 16 bits, one of them never the least
_SIDES = {"input": "input", "recurrent": "output_state"}


def lower_lstm(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower UNIDIRECTIONAL_SEQUENCE_LSTM: the four gates of a cell are computed together."""
    call = call_of(graph, node)
    factors, units = LstmFactors.of(call), call.output.shape[2]
    samples = constant("eq_logistic", logistic_samples(), np.int32, shared=True)
    products, arrays = {}, [samples]
    for side, pairs in (("input", factors.input), ("recurrent", factors.recurrent)):
        products[side], constants = _product(call, side, pairs)
        arrays += constants
    low, high = (-32768, 32767) if factors.clip is None else (-factors.clip, factors.clip)
    fields = {
        **_order(call),
        "depth": call.data[2],
        "units": units,
        **products,
        "keep": _factor(factors.keep),
        "add": _factor(factors.add),
        "result": _factor(factors.result),
        "tanh_multiplier": factors.tanh[0],
        "tanh_shift": factors.tanh[1],
        "cell_min": low,
        "cell_max": high,
        "zero": zero_point_of(named(call, "output_state")),
        "logistic": samples.ref,
    }
    state, cell = (named(call, role).index for role in ("output_state", "cell_state"))
    operands = (node.inputs[0], state, cell, node.outputs[0])
    return Layer(
        (Call("eq_lstm", "eq_lstm", fields, operands),), ("eq_lstm",), tuple(arrays), hot=True
    )


def _order(call: OperatorCall) -> Mapping[str, int]:
    """Return how many sequences of how many steps there are, and how far apart they lie."""
    major = bool(call.option("time_major", False))
    steps, batches = call.data[:2] if major else (call.data[1], call.data[0])
    return {
        "batches": batches,
        "steps": steps,
        "batch_stride": 1 if major else steps,
        "step_stride": batches if major else 1,
    }


def _product(
    call: OperatorCall, side: str, factors: Mapping[str, Factor]
) -> tuple[Mapping[str, Any], list[Constant]]:
    """Return the products of the input, or of the state, with all gates' weights."""
    rows, biases = gate_weights(call, side), gate_biases(call, side)
    zero = zero_point_of(named(call, _SIDES[side]))
    offsets = biases - zero * rows.astype(np.int64).sum(axis=2)
    weights = constant(f"{side}_weights", rows.transpose(1, 2, 0), np.int8)
    bias = constant(f"{side}_bias", offsets.T, np.int32)
    bounds = gate_bounds(call, side)
    pairs = [factors[gate] for gate in GATES]
    fields = {
        "weights": weights.ref,
        "bias": bias.ref,
        "multiplier": [m for m, _ in pairs],
        "shift": [pack_shift(m, s, int(b)) for (m, s), b in zip(pairs, bounds, strict=True)],
    }
    return fields, [weights, bias]


def gate_weights(call: OperatorCall, side: str) -> NDArray[np.int8]:
    """Return the weights of the input, or of the state: [gates, cells, depth]."""
    data = [named(call, f"{side}_to_{gate}").data for gate in GATES]
    return np.stack([d for d in data if d is not None])


def gate_biases(call: OperatorCall, side: str) -> NDArray[np.int64]:
    """Return the biases, which come with the input: [gates, cells]."""
    biases = [named(call, f"{gate}_bias").data for gate in GATES]
    given = np.stack([b for b in biases if b is not None]).astype(np.int64)
    return given if side == "input" else np.zeros_like(given)


def gate_bounds(call: OperatorCall, side: str) -> list[int]:
    """Return for each gate the largest magnitude that its accumulators can reach."""
    zero = zero_point_of(named(call, _SIDES[side]))
    pairs = zip(gate_weights(call, side), gate_biases(call, side), strict=True)
    return [int(accumulator_bounds(rows, bias, zero).max()) for rows, bias in pairs]


def gates_fit(call: OperatorCall) -> str | None:
    """Weights and biases are constant, and no input can take an accumulator out of 32 bits."""
    for role, tensor in call.named():
        if ("_to_" in role or "bias" in role) and not tensor.is_constant:
            return f"{role} is not constant"
    most = max(max(gate_bounds(call, side)) for side in _SIDES)
    return f"accumulators can reach {most:,}" if most >= WRAP_LIMIT else None


def _factor(factor: Factor) -> Mapping[str, int]:
    multiplier, shift = factor
    return {"multiplier": multiplier, "shift": pack_shift(multiplier, shift, _LARGEST_PRODUCT)}

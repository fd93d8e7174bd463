"""Operators with state: the LSTM and the SVDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT, accumulator_bounds, pack_shift
from edgeq.compile.layer import Call, Constant, Layer, constant
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.recurrent import (
    Factor,
    LstmFactors,
    SvdfFactors,
    logistic_samples,
    named,
)
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.recurrent import GATES

# Weights [gates, cells, depth] as a kernel wants them, and its chunk.
Pack = Callable[[NDArray[np.int8]], tuple[NDArray[Any], int]]

_LARGEST_PRODUCT = 32768 * 32767  # of two numbers of 16 bits, one of them never the least
_SIDES = {"input": "input", "recurrent": "output_state"}


def lower_lstm(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower UNIDIRECTIONAL_SEQUENCE_LSTM: the four gates of a cell are computed together."""
    return lstm_layer(call_of(graph, node), "eq_lstm", _interleaved)


def lstm_layer(call: OperatorCall, kernel: str, pack: Pack, *sources: str) -> Layer:
    """Return the layer of an LSTM whose weights `pack` lays out for a kernel."""
    factors, units = LstmFactors.of(call), call.output.shape[2]
    samples = constant("eq_logistic", logistic_samples(), np.int32, shared=True)
    products, arrays = {}, [samples]
    for side, pairs in (("input", factors.input), ("recurrent", factors.recurrent)):
        products[side], constants = _product(call, side, pairs, pack)
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
    operands = (call.input(0).index, state, cell, call.output.index)
    run = Call(kernel, "eq_lstm", fields, operands)
    return Layer((run,), (kernel, "eq_lstm_run", *sources), tuple(arrays), hot=True)


def _interleaved(rows: NDArray[np.int8]) -> tuple[NDArray[Any], int]:
    return rows.transpose(1, 2, 0), 0


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
    call: OperatorCall, side: str, factors: Mapping[str, Factor], pack: Pack
) -> tuple[Mapping[str, Any], list[Constant]]:
    """Return the products of the input, or of the state, with all gates' weights."""
    rows, biases = gate_weights(call, side), gate_biases(call, side)
    zero = zero_point_of(named(call, _SIDES[side]))
    offsets = biases - zero * rows.astype(np.int64).sum(axis=2)
    packed, chunk = pack(rows)
    weights = constant(f"{side}_weights", packed, packed.dtype.type)
    bias = constant(f"{side}_bias", offsets.T, np.int32)
    bounds = gate_bounds(call, side)
    pairs = [factors[gate] for gate in GATES]
    fields = {
        "weights": weights.ref,
        "chunk": chunk,
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


# --- SVDF ----------------------------------------------------------------------------------------


def lower_svdf(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SVDF, with a state of 8 or 16 bits."""
    call = call_of(graph, node)
    factors, rank = SvdfFactors.of(call), call.number("rank", 1)
    state, times = named(call, "activation_state"), named(call, "time_filter")
    rows, zero = _data(call, "filter"), zero_point_of(call.input(0))
    weights = constant("weights", rows, np.int8)
    bias = constant("bias", -zero * rows.sum(axis=1), np.int32)
    outputs = constant("output_bias", _data(call, "bias"), np.int32)
    multiplier = constant("multiplier", [factors.output[0]], np.int32)
    feature_bound, output_bound = svdf_bounds(call)
    shift = constant("shift", [pack_shift(*factors.output, output_bound)], np.int8)
    fields = {
        "batches": call.data[0],
        "filters": len(rows),
        "rank": rank,
        "depth": call.data[1],
        "memory": times.shape[1],
        "state_zero": zero_point_of(state),
        "multiplier": factors.feature[0],
        "shift": pack_shift(*factors.feature, feature_bound),
        "weights": weights.ref,
        "bias": bias.ref,
        "out": {
            "bias": outputs.ref,
            "multiplier": multiplier.ref,
            "shift": shift.ref,
            "mask": 0,
            "zero": zero_point_of(call.output),
            "min": -128,
            "max": 127,
        },
    }
    kernel = "eq_svdf_16" if state.dtype == "int16" else "eq_svdf"
    operands = (node.inputs[0], times.index, state.index, node.outputs[0])
    arrays = (weights, bias, outputs, multiplier, shift)
    return Layer((Call(kernel, "eq_svdf", fields, operands),), ("eq_svdf",), arrays, hot=True)


def svdf_bounds(call: OperatorCall) -> tuple[int, int]:
    """Return the largest magnitudes of an accumulator of features, and of one of outputs."""
    rows, times, bias = (_data(call, role) for role in ("filter", "time_filter", "bias"))
    features = np.abs(rows).sum(axis=1) * (abs(zero_point_of(call.input(0))) + 128)
    state = named(call, "activation_state")
    most = 32768 if state.dtype == "int16" else 128 + abs(zero_point_of(state))
    sums = np.abs(times).sum(axis=1).reshape(-1, call.number("rank", 1)).sum(axis=1) * most
    return int(features.max()), int((sums + np.abs(bias)).max())


def sums_fit(call: OperatorCall) -> str | None:
    """Filters and bias are constant, and no input can take an accumulator out of 32 bits."""
    for role, tensor in call.named():
        if role in ("filter", "time_filter", "bias") and not tensor.is_constant:
            return f"{role} is not constant"
    most = max(svdf_bounds(call))
    return f"accumulators can reach {most:,}" if most >= WRAP_LIMIT else None


def _data(call: OperatorCall, role: str) -> NDArray[np.int64]:
    data = named(call, role).data
    assert data is not None
    return data.astype(np.int64)

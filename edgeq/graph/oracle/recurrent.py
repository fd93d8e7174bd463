"""Operators with state: the LSTM and the SVDF.

Their state arrives as arrays, which they change in place.

Sources: tensorflow/lite/micro/kernels/lstm_eval.h and svdf_common.cc; the functions of 16 bits in
tensorflow/lite/kernels/internal/reference/integer_ops/{logistic,tanh}.h.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph import recurrent
from edgeq.graph.calls import Call, Unfit
from edgeq.graph.ir import Tensor
from edgeq.graph.oracle.fixed_point import (
    Integers,
    as_int32,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgeq.graph.oracle.requantization import Run, scale_of, to_int8, zero_point_of
from edgeq.graph.rules import Rule, first_fault

Factor = tuple[int, int]

GATE_SCALE = 2.0**-12  # before the gates' functions
FUNCTION_SCALE = 2.0**-15  # after them
# Where the runtime's table of the logistic function is one above the rounded value.
_ABOVE = (
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41,
    43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
)  # fmt: skip


@functools.cache
def logistic_samples() -> Integers:
    """Return logistic(i / 24) in 16 bits after the point, for i from 0 to 255."""
    exact = 65536 / (1 + np.exp(-np.arange(256) / 24))
    samples: Integers = np.floor(exact + 0.5).astype(np.int64)
    samples[list(_ABOVE)] += 1
    return samples


def logistic_16(x: Integers) -> Integers:
    """Return the logistic function, Q3.12 to Q0.15, by linear interpolation."""
    given = x * 3
    size = np.abs(given)
    result = _between(size >> 9, size & 0x1FF, 9, 0x7FFF << 10)
    return np.where(given >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1) >> 10


def tanh_16(x: Integers, multiplier: int = 3, shift: int = 0) -> Integers:
    """Return the hyperbolic tangent in Q0.15 of x * multiplier / 2**shift / 3 in Q3.12."""
    given = (x * multiplier + ((1 << shift) >> 1)) >> shift
    size = np.abs(given)
    result = _between(size >> 8, size & 0xFF, 8, 0xFFFF << 8)
    half, low = 1 << 23, 1 << 7
    return np.where(given >= 0, result - half + low, half - result + low - 1) >> 8


def _between(place: Integers, rest: Integers, bits: int, end: int) -> Integers:
    samples, at = logistic_samples(), np.minimum(place, 254)
    return np.where(
        place >= 255, end, (samples[at] << bits) + rest * (samples[at + 1] - samples[at])
    )


@dataclass(frozen=True, slots=True)
class LstmFactors:
    """The real factors of an LSTM as multipliers and shifts.

    `input` and `recurrent` have those of the gates' products; the cell is multiplied by `keep` and
    the new part by `add`, the tangent of the cell by `result`. `clip` is None without a clip.
    """

    input: dict[str, Factor]
    recurrent: dict[str, Factor]
    keep: Factor
    add: Factor
    result: Factor
    tanh: Factor
    clip: int | None

    @classmethod
    def of(cls, call: Call) -> LstmFactors:
        """Return the factors of a call that keeps to the LSTM's rules."""
        cell, state = named(call, "cell_state"), named(call, "output_state")
        exponent = round(math.log2(float(scale_of(cell))))
        shift = 12 + exponent
        clip = float(np.float32(call.option("cell_clip", 0.0)))  # type: ignore[arg-type]
        limit = min(max(clip / float(scale_of(cell)), -32768.0), 32767.0)
        square = FUNCTION_SCALE * FUNCTION_SCALE
        return cls(
            input={g: _product(call, "input", f"input_to_{g}") for g in recurrent.GATES},
            recurrent={g: _product(call, "output_state", f"recurrent_to_{g}")
                       for g in recurrent.GATES},
            keep=quantize_multiplier(FUNCTION_SCALE),
            add=quantize_multiplier(square / float(scale_of(cell))),
            result=quantize_multiplier(square / float(scale_of(state))),
            tanh=(3, -shift) if shift < 0 else (3 << shift, 0),
            clip=int(limit) if clip > 0 else None,
        )  # fmt: skip


def _product(call: Call, source: str, weights: str) -> Factor:
    product = scale_of(named(call, source)) * scale_of(named(call, weights))
    return quantize_multiplier(float(product) / GATE_SCALE)


def named(call: Call, role: str) -> Tensor:
    """Return the input of a role, which must be there."""
    tensor = call.get(role)
    if tensor is None:
        raise Unfit(f"{role} is absent")
    return tensor


def _require(call: Call, checks: tuple[Rule, ...]) -> None:
    fault = first_fault(call, checks)
    if fault:
        raise Unfit(fault)


def lstm(call: Call) -> Run:
    """UNIDIRECTIONAL_SEQUENCE_LSTM."""
    _require(call, recurrent.LSTM_RULES)
    factors, places = LstmFactors.of(call), {role: i for i, role in enumerate(call.roles)}
    major = bool(call.option("time_major", False))
    zeros = {s: zero_point_of(named(call, s)) for s in ("input", "output_state")}

    def run(*arrays: NDArray[Any]) -> NDArray[np.int8]:
        given = {role: arrays[i] for role, i in places.items() if i < len(arrays)}
        steps = given["input"] if major else given["input"].swapaxes(0, 1)
        hidden = given["output_state"].reshape(steps.shape[1], -1)
        cell = given["cell_state"].reshape(hidden.shape)
        rows = []
        for x in steps:
            gates = {
                gate: np.clip(
                    _gate(given, x, gate, "input", zeros["input"], factors.input)
                    + _gate(given, hidden, gate, "recurrent", zeros["output_state"],
                            factors.recurrent),
                    -32768, 32767,
                )
                for gate in recurrent.GATES
            }  # fmt: skip
            _advance(factors, gates, cell, hidden, zeros["output_state"])
            rows.append(hidden.copy())
        result = np.stack(rows)
        return result if major else result.swapaxes(0, 1)

    return run


def _gate(
    given: dict[str, NDArray[Any]],
    x: NDArray[Any],
    gate: str,
    kind: str,
    zero: int,
    factors: dict[str, Factor],
) -> Integers:
    """Return one product of a gate, in Q3.12."""
    sums = (x.astype(np.float64) - zero) @ given[f"{kind}_to_{gate}"].astype(np.float64).T
    if kind == "input":
        sums = sums + given[f"{gate}_bias"]
    scaled = multiply_by_quantized_multiplier(as_int32(sums.astype(np.int64)), *factors[gate])
    return np.clip(scaled, -32768, 32767)


def _advance(
    factors: LstmFactors,
    gates: dict[str, Integers],
    cell: NDArray[np.int16],
    hidden: NDArray[np.int8],
    zero: int,
) -> None:
    """Move cell and hidden state on by one step."""
    kept = multiply_by_quantized_multiplier(logistic_16(gates["forget"]) * cell, *factors.keep)
    new = logistic_16(gates["input"]) * tanh_16(gates["cell"])
    added = multiply_by_quantized_multiplier(new, *factors.add)
    total = np.clip(_int16(kept) + _int16(added), -32768, 32767)
    if factors.clip is not None:
        total = np.clip(total, -factors.clip, factors.clip)
    cell[:] = total
    shown = tanh_16(total, *factors.tanh) * logistic_16(gates["output"])
    scaled = multiply_by_quantized_multiplier(shown, *factors.result) + zero
    hidden[:] = np.clip(scaled, -128, 127)


def _int16(x: Integers) -> Integers:
    return np.clip(x, -32768, 32767)


@dataclass(frozen=True, slots=True)
class SvdfFactors:
    """The real factors of an SVDF: from products to the state, from the state to outputs."""

    feature: Factor
    output: Factor

    @classmethod
    def of(cls, call: Call) -> SvdfFactors:
        """Return the factors, which the runtime computes in single precision."""
        state, times = named(call, "activation_state"), named(call, "time_filter")
        feature = scale_of(call.input(0)) * scale_of(call.input(1)) / scale_of(state)
        output = scale_of(state) * scale_of(times) / scale_of(call.output)
        return cls(quantize_multiplier(float(feature)), quantize_multiplier(float(output)))


def svdf(call: Call) -> Run:
    """SVDF."""
    _require(call, recurrent.SVDF_RULES)
    factors, rank = SvdfFactors.of(call), call.number("rank", 1)
    held = named(call, "activation_state")
    limits = np.iinfo(held.dtype)
    zero, zeros = zero_point_of(call.input(0)), (zero_point_of(held), zero_point_of(call.output))

    def run(
        x: NDArray[np.int8],
        weights: NDArray[np.int8],
        times: NDArray[Any],
        bias: NDArray[np.int32],
        state: NDArray[Any],
    ) -> NDArray[np.int8]:
        memory = state.reshape(len(x), *times.shape)
        sums = (x.astype(np.int64) - zero) @ weights.astype(np.int64).T
        fresh = multiply_by_quantized_multiplier(as_int32(sums), *factors.feature)
        memory[..., :-1] = memory[..., 1:].copy()
        # The zero point comes after the clamp, as in the runtime: int8 may wrap.
        memory[..., -1] = (np.clip(fresh, limits.min, limits.max) + zeros[0]).astype(state.dtype)
        products = ((memory.astype(np.int64) - zeros[0]) * times).sum(axis=2)
        totals = products.reshape(len(x), -1, rank).sum(axis=2) + bias
        return to_int8(as_int32(totals), *factors.output, zeros[1])

    return run
